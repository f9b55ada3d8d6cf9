// Files: those of the question, all uploads of the service, and what was read out of each.
import { button, bytes, element, find, read, table } from './elements.js';

const LONGEST = 200_000;  // characters of a part that are shown

export class Documents {
  constructor(client, showStatus) {
    this.client = client;
    this.showStatus = showStatus;
    this.files = [];
  }

  get ids() {
    return this.files.filter((file) => file.id).map((file) => file.id);
  }

  clear() {
    this.files = [];
    this.draw();
  }

  async add(blobs) {
    await Promise.all([...blobs].map((blob) => this.#upload(blob)));
  }

  async #upload(blob) {
    const file = { name: blob.name, state: 'waiting', id: null, error: null };
    this.files.push(file);
    this.draw();
    try {
      const upload = await this.client().uploadFile(blob, blob.name, (sent, total) => {
        file.state = sent < total ? `${Math.round((100 * sent) / total)} %` : 'being read';
        this.draw();
      });
      file.id = upload.id;
      file.state = `${upload.file_type}, ${bytes(upload.size)}`;
    } catch (error) {
      file.error = error.message;
    }
    this.draw();
  }

  draw() {
    find('files').replaceChildren(
      ...this.files.map((file) => {
        const item = element('li', file.error ? 'failed' : '');
        const name = file.id ? button(file.name, () => this.show(file.id, file.name), 'name') : element('span', '', file.name);
        if (file.id) name.title = 'what was read out of it';
        const remove = button('×', () => {
          this.files = this.files.filter((other) => other !== file);
          this.draw();
        }, '');
        remove.ariaLabel = `Remove ${file.name}`;
        item.append(name, element('span', '', file.error ?? file.state), remove);
        return item;
      }),
    );
  }

  // All that was read out of a file, or, where a citation is given, its part with the quote marked.
  async show(id, name, citation = null) {
    try {
      const content = await this.client().fileContent(id);
      const part = citation && content.parts.find((one) => one.label === citation.part);
      const parts = part ? [part] : content.parts;
      const nodes = (part ? [] : content.warnings).map((text) => element('p', 'warning', `⚠ ${text}`));
      for (const one of parts) {
        if (parts.length > 1) nodes.push(element('h3', '', one.label));
        nodes.push(pageOf(one.text.slice(0, LONGEST), citation?.quote));
        if (one.text.length > LONGEST) nodes.push(element('p', '', `and ${one.text.length - LONGEST} more characters`));
      }
      if (!content.parts.length) nodes.push(element('p', '', 'Nothing was read out of this file.'));
      if (part && content.parts.length > 1) nodes.push(button('Show the whole file', () => this.show(id, name)));
      read(part ? `${name}, ${part.label}` : name, ...nodes);
    } catch (error) {
      read(name, element('p', 'warning', error.message));
    }
  }

  async cite(citation) {
    const named = this.files.find((file) => file.id && file.name === citation.file);
    if (named) await this.show(named.id, named.name, citation);
    else read(`${citation.file}, ${citation.part}`, pageOf(citation.quote, citation.quote));
  }

  async showUploads() {
    try {
      const uploads = (await this.client().files()).reverse();
      if (!uploads.length) {
        read('Uploads', element('p', '', 'There are none yet. Add files to a question, and they are kept here.'));
        return;
      }
      const rows = uploads.map((upload) => [upload.filename, upload.file_type, bytes(upload.size), when(upload.created_at), this.#actions(upload)]);
      read('Uploads', table(['Name', 'Kind', 'Size', 'Added', ''], rows));
    } catch (error) {
      this.showStatus(error.message);
    }
  }

  #actions(upload) {
    const actions = element('div', 'row');
    const use = button('Ask about it', () => {
      this.files.push({ name: upload.filename, id: upload.id, error: null, state: `${upload.file_type}, ${bytes(upload.size)}` });
      this.draw();
      use.disabled = true;
    });
    use.disabled = this.ids.includes(upload.id);
    const forget = button('Delete', async () => {
      await this.client().deleteFile(upload.id).catch((error) => this.showStatus(error.message));
      this.files = this.files.filter((file) => file.id !== upload.id);
      this.draw();
      await this.showUploads();
    });
    const text = button('Text', () => this.show(upload.id, upload.filename));
    for (const one of [text, use, forget]) one.ariaLabel = `${one.textContent}: ${upload.filename}`;
    actions.append(text, use, forget);
    return actions;
  }
}

function when(seconds) {
  return new Date(seconds * 1000).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

// A text with a quote marked, which may break its lines elsewhere.
function pageOf(text, quote) {
  const page = element('div', 'page');
  const words = (quote ?? '').split(/\s+/).filter(Boolean);
  const pattern = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+');
  const found = words.length ? new RegExp(pattern).exec(text) : null;
  if (!found) page.textContent = text;
  else page.append(text.slice(0, found.index), element('mark', '', found[0]), text.slice(found.index + found[0].length));
  return page;
}
