// The page to try the service with. Whatever it does, any program can do with the client that it imports.
import { Answer } from './answer.js';
import { AutopickerClient } from './autopicker.mjs';
import { Documents } from './documents.js';
import { button, element, find, read, table } from './elements.js';
import { Microphone } from './microphone.js';

const address = new URL('..', import.meta.url).href.replace(/\/$/, '');  // a proxy may serve it under a prefix
const talk = find('talk');
const question = find('question');
let messages = [];
let running = null;
let microphone = null;

const page = {
  models: [],
  client: () => new AutopickerClient(address, find('key').value || null, { retries: 0 }),
  showStatus: (text) => { find('status').textContent = text; },
  curl,
  again,
  typeset: (text, stops) => fetchOwn('typeset', { text, stops }).then((answer) => answer.html),
};
page.documents = new Documents(page.client, page.showStatus);

// What serves this page alone.
async function fetchOwn(name, body) {
  const headers = { 'Content-Type': 'application/json', ...page.client().headers };
  const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
  const response = await fetch(`${address}/page-data/${name}`, request);
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  return response.json();
}

async function showModels() {
  const select = find('model');
  const chosen = select.value;
  try {
    page.models = (await page.client().models()).filter((model) => model.id !== 'auto');
    select.replaceChildren(select.options[0]);
    for (const model of page.models.filter((one) => one.capabilities.includes('text'))) {
      const option = element('option', '', model.available ? model.id : `${model.id} (not available)`);
      option.value = model.id;
      option.disabled = !model.available;
      select.append(option);
    }
    select.value = [...select.options].some((option) => option.value === chosen) ? chosen : 'auto';
    page.showStatus('');
    showExamples((await fetchOwn('examples')).examples);
  } catch (error) {
    find('access').open ||= error.status === 401;
    page.showStatus(error.status === 401 ? 'This service needs an API key: enter it above.' : error.message);
  }
}

function showExamples(texts) {
  find('examples').replaceChildren(
    ...texts.map((text) => {
      const item = element('li');
      item.append(button(text, () => { question.value = text; find('ask').requestSubmit(); }, ''));
      return item;
    }),
  );
}

async function readModels() {
  await showModels();
  const price = (usd) => (usd ? `${usd}` : 'none');
  const rows = page.models.map((model) => [
    model.id,
    element('span', model.available ? 'good' : 'bad', model.available ? '✓ ready' : `✗ ${model.unavailable_because ?? 'not available'}`),
    model.owned_by,
    model.context_window.toLocaleString(),
    price(model.price_in),
    price(model.price_out),
    model.capabilities.join(', '),
  ]);
  read('Models', table(['Model', 'State', 'Provider', 'Window, tokens', 'USD per million read', 'written', 'Takes'], rows));
}

function curl(body, path) {
  const data = JSON.stringify(body).replaceAll("'", "'\\''");
  const key = find('key').value ? " -H 'X-API-Key: YOUR-KEY'" : '';
  return `curl -N '${address}${path}' -H 'Content-Type: application/json'${key} -d '${data}'`;
}

function ask(text) {
  find('welcome').hidden = true;
  talk.append(element('article', 'turn mine', text));
  messages.push({ role: 'user', content: text });
  return answer();
}

// Ask the last question once more, by the model that is chosen now.
async function again(shown) {
  if (running) return;
  const last = [...talk.querySelectorAll('.turn')].pop();
  if (shown.turn !== last) {
    question.value = shown.body.messages.at(-1).content;
    question.focus();
    return;
  }
  if (shown.text) messages.pop();
  else messages.push(shown.body.messages.at(-1));  // it left with an answer that had no words
  await answer();
}

async function answer() {
  const conversation = messages;
  const ids = page.documents.ids;
  const options = { model: find('model').value, stream_options: { include_usage: true } };
  const path = ids.length ? '/api/v1/chat/multimodal-audio' : '/api/v1/chat/completions';
  const body = { messages: [...conversation], ...options, stream: true, ...(ids.length ? { file_ids: ids } : {}) };
  const shown = new Answer(page, body, path);
  talk.append(shown.turn);
  talk.scrollTop = talk.scrollHeight;
  begin(new AbortController());
  let note = '';
  let failed = false;
  try {
    for await (const chunk of page.client().streamChunks(conversation, ids, { ...options, signal: running.signal })) {
      const follows = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
      if (shown.take(chunk)) page.showStatus(`${chunk.model} is answering`);
      if (follows) talk.scrollTop = talk.scrollHeight;
    }
  } catch (error) {
    failed = error.name !== 'AbortError';
    note = failed ? error.message : 'Stopped; what came until then is kept.';
  }
  if (shown.text) conversation.push({ role: 'assistant', content: shown.text });
  else conversation.pop();
  await shown.finish(note, failed);
  end(failed ? 'That failed.' : 'Answered.');
  shown.turn.scrollIntoView({ block: 'nearest' });
}

function begin(controller) {
  running = controller;
  talk.ariaBusy = 'true';
  find('send').disabled = true;
  find('stop').hidden = false;
  page.showStatus('Waiting for the first word …');
}

function end(words) {
  running = null;
  talk.ariaBusy = 'false';
  find('send').disabled = false;
  find('stop').hidden = true;
  page.showStatus(words);
}

function speak() {
  if (microphone) {
    microphone.stop();
    return;
  }
  const before = question.value.trim();
  const show = (settled, tail) => {
    question.value = `${before} ${settled}${tail}`.trim();
  };
  const ended = (error) => {
    microphone = null;
    find('speak').textContent = 'Speak';
    find('speak').setAttribute('aria-pressed', 'false');
    page.showStatus(error ? error.message : '');
  };
  microphone = new Microphone(address, find('key').value, show, ended);
  find('speak').textContent = 'Stop speaking';
  find('speak').setAttribute('aria-pressed', 'true');
  page.showStatus('Listening');
  microphone.start();
}

find('ask').onsubmit = (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || running) return;
  question.value = '';
  ask(text);
};
question.onkeydown = (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find('ask').requestSubmit();
};
find('speak').onclick = speak;
find('stop').onclick = () => running?.abort();
find('clear').onclick = () => {
  running?.abort();
  messages = [];
  page.documents.clear();
  talk.replaceChildren(find('welcome'));
  find('welcome').hidden = false;
  question.focus();
};
find('add').onclick = () => find('pick').click();
find('pick').onchange = (event) => {
  page.documents.add(event.target.files).then(() => question.focus());
};
find('key').onchange = showModels;
find('show-models').onclick = readModels;
find('show-uploads').onclick = () => page.documents.showUploads();
document.onpaste = (event) => {
  const { files, types } = event.clipboardData;
  // cells of a spreadsheet, or words of a document, come with a picture of themselves
  const isText = types.includes('text/plain') && types.includes('text/html');
  if (!files.length || (isText && [...files].every((file) => file.type.startsWith('image/')))) return;
  event.preventDefault();
  page.documents.add(files);
};
document.body.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add('over');
};
document.body.ondragleave = () => document.body.classList.remove('over');
document.body.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove('over');
  page.documents.add(event.dataTransfer.files);
};
showModels();
