// One answer: its text as it comes, then typeset, with its sources, route, cost and time below.
import { button, dollars, element, table } from './elements.js';

export class Answer {
  // `page` has client(), documents, models and curl(body, path).
  constructor(page, body, path) {
    this.page = page;
    this.body = body;
    this.path = path;
    this.turn = element('article', 'turn');
    this.turn.setAttribute('aria-label', 'Answer');
    this.view = element('div', 'text plain');
    this.turn.append(this.view);
    this.startedAt = performance.now();
    this.text = '';
    this.fields = {};
  }

  take(chunk) {
    for (const name of ['id', 'model', 'routing', 'usage', 'cost_usd', 'context', 'file_errors', 'citations', 'unsupported']) {
      if (chunk[name] !== undefined && chunk[name] !== null) this.fields[name] = chunk[name];
    }
    const piece = chunk.choices[0]?.delta?.content;
    if (!piece) return false;
    this.firstAt ??= performance.now();
    this.text += piece;
    this.view.textContent = this.text;
    return true;
  }

  async finish(note = '', failed = false) {
    this.seconds = (performance.now() - this.startedAt) / 1000;
    this.turn.classList.toggle('failed', failed && !this.text);
    if (note && !this.text) this.view.textContent = note;
    else if (this.text) await this.#typeset();
    const about = element('div', 'about');
    if (note && this.text) about.append(element('p', 'warning', note));
    if (this.fields.model) about.append(this.#facts(), ...this.#sources());
    about.append(this.#actions(failed));
    this.turn.append(about);
  }

  async #typeset() {
    const citations = this.fields.citations ?? [];
    try {
      const html = await this.page.typeset(this.text, citations.map((citation) => citation.sentence[1]));
      this.view.innerHTML = html;  // made by the service, which shows every tag of an answer as text
    } catch {
      return;  // as plain text, then
    }
    this.view.classList.remove('plain');
    for (const place of this.view.querySelectorAll('[data-cite]')) {
      place.replaceWith(this.#citeButton(citations[place.dataset.cite]));
    }
  }

  #citeButton(citation) {
    const node = button(`${citation.number}`, () => this.page.documents.cite(citation), 'cite');
    node.title = `${citation.file}, ${citation.part}`;
    node.ariaLabel = `Source ${citation.number}: ${node.title}`;
    return node;
  }

  #facts() {
    const { model, routing, usage, cost_usd: cost } = this.fields;
    const facts = element('dl', 'facts');
    const add = (name, value) => {
      const pair = element('div');
      pair.append(element('dt', '', name), element('dd', '', value));
      facts.append(pair);
    };
    add('Model', model);
    if (routing) add('Complexity', `${Math.round(routing.complexity_score)} of 100`);
    if (cost !== undefined) add('Cost', cost ? dollars(cost) : 'none');
    const first = this.firstAt ? `, first word after ${((this.firstAt - this.startedAt) / 1000).toFixed(1)} s` : '';
    add('Time', `${this.seconds.toFixed(1)} s${first}`);
    if (usage) add('Tokens', `${usage.prompt_tokens} read, ${usage.completion_tokens} written`);
    return facts;
  }

  #sources() {
    const { routing, context, citations, unsupported, file_errors: errors } = this.fields;
    const lines = [];
    if (routing?.fallback_used) lines.push(element('p', '', 'The model that was chosen first failed; this one stood in for it.'));
    for (const text of [...(routing?.warnings ?? []), ...(context?.warnings ?? [])]) lines.push(element('p', 'warning', `⚠ ${text}`));
    for (const one of errors ?? []) lines.push(element('p', 'warning', `⚠ ${one.detail ?? one.error ?? one}`));
    const passages = new Map((citations ?? []).map((one) => [one.number, one]).reverse());  // the first of each
    if (passages.size) {
      const row = element('div', 'row');
      row.append('Sources', ...[...passages.values()].reverse().map((citation) => {
        const node = this.#citeButton(citation);
        node.className = 'small';
        node.textContent = `${citation.number} ${node.title}`;
        return node;
      }));
      lines.push(row);
    }
    const characters = [...this.text];
    for (const span of unsupported ?? []) {
      lines.push(element('p', '', `Not found in the files: “${characters.slice(...span).join('').trim()}”`));
    }
    if (context?.used?.length && !passages.size) lines.push(element('p', '', `Read: ${context.used.join('; ')}`));
    lines.push(this.#why());
    return lines;
  }

  #why() {
    const { routing } = this.fields;
    if (!routing) return element('p', '', 'This model was named, not picked.');
    const details = element('details');
    details.append(element('summary', '', 'Why this model?'), element('p', '', routing.reason));
    details.ontoggle = async () => {
      if (!details.open || details.dataset.asked) return;
      details.dataset.asked = 'yes';
      try {
        const analysis = await this.page.client().analyze(this.body.messages, this.body.file_ids ?? [], this.body.model);
        details.append(...reasons(analysis));
      } catch (error) {
        details.append(element('p', 'warning', error.message));
      }
    };
    return details;
  }

  #actions(failed) {
    const row = element('div', 'row');
    if (!failed) row.append(button('Copy', (event) => this.#copy(event.target, this.text)));
    const curl = button('Copy as curl', (event) => this.#copy(event.target, curl.dataset.curl));
    curl.dataset.curl = this.page.curl(this.body, this.path);
    const again = button('Ask again', () => this.page.again(this));
    again.title = 'by the model chosen above';
    row.append(curl, again);
    if (this.fields.id && !failed) row.append(this.#judge('Good', 1), this.#judge('Bad', 0));
    return row;
  }

  async #copy(node, text) {
    node.dataset.name ??= node.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      this.page.showStatus('The browser does not let pages without HTTPS copy: select the text instead.');
      return;
    }
    node.textContent = 'Copied';
    setTimeout(() => { node.textContent = node.dataset.name; }, 1500);
  }

  #judge(name, score) {
    const node = button(name, async () => {
      try {
        await this.page.client().feedback(this.fields.id, score);
        for (const other of this.turn.querySelectorAll('[data-score]')) other.ariaPressed = String(other === node);
      } catch (error) {
        this.page.showStatus(error.message);
      }
    });
    node.dataset.score = score;
    node.ariaPressed = 'false';
    node.title = 'kept beside the decision, so that tuning can learn from it';
    return node;
  }
}

function reasons(analysis) {
  const rows = analysis.candidates.map((one) => [
    one.model,
    element('span', one.kept ? 'good' : 'bad', one.kept ? '✓ can take it' : '✗ left out'),
    one.why,
    one.quality.toFixed(2),
    one.cost_usd ? dollars(one.cost_usd) : 'none',
  ]);
  const points = Object.entries(analysis.reasoning.complexity_factors)
    .filter(([, value]) => value)
    .sort(([, one], [, other]) => other - one)
    .map(([name, value]) => [name.replaceAll('_', ' '), value.toFixed(1), analysis.reasoning.explanations[name]]);
  return [
    table(['Model', '', 'Reason', 'Expected quality', 'Expected cost'], rows),
    ...(points.length ? [table(['What makes it complex', 'Points', ''], points)] : []),
  ];
}
