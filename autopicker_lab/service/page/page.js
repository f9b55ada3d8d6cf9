// The page to try the service with. Whatever it does, any program can do with the client that it imports.
import { AutopickerClient } from './autopicker.mjs';
import { Microphone } from './microphone.js';

const address = new URL('..', import.meta.url).href.replace(/\/$/, '');  // a proxy may serve it under a prefix
const find = (id) => document.getElementById(id);
const conversationView = find('talk');
const question = find('question');
let messages = [];
let files = [];
let running = null;
let microphone = null;

function client() {
  return new AutopickerClient(address, find('key').value || null, { retries: 0 });
}

function element(name, className, text = '') {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

function showStatus(text) {
  find('status').textContent = text;
}

function addTurn(text, fromUser) {
  const turn = element('article', fromUser ? 'turn mine' : 'turn');
  const content = element('div', 'text', text);
  turn.append(content);
  conversationView.append(turn);
  turn.scrollIntoView({ block: 'end' });
  return { turn, content };
}

async function showModels() {
  const select = find('model');
  try {
    const models = await client().models();
    select.replaceChildren(select.options[0]);
    for (const model of models.filter((entry) => entry.id !== 'auto')) {
      const option = element('option', '', model.available ? model.id : `${model.id} (not available)`);
      option.value = model.id;
      option.disabled = !model.available;
      select.append(option);
    }
  } catch (error) {
    showStatus(error.status === 401 ? 'This service needs an API key: enter it above.' : error.message);
  }
}

function showFiles() {
  find('files').replaceChildren(
    ...files.map((file) => {
      const item = element('li', file.error ? 'failed' : '', `${file.name}: ${file.error ?? file.state} `);
      const remove = element('button', '', '×');
      remove.type = 'button';
      remove.title = `Remove ${file.name}`;
      remove.onclick = () => {
        files = files.filter((other) => other !== file);
        showFiles();
      };
      item.append(remove);
      return item;
    }),
  );
}

async function addFiles(list) {
  await Promise.all(
    [...list].map(async (blob) => {
      const file = { name: blob.name, state: 'uploading', id: null, error: null };
      files.push(file);
      showFiles();
      try {
        const upload = await client().uploadFile(blob, blob.name, (sent, total) => {
          file.state = `${Math.round((100 * sent) / total)} %`;
          showFiles();
        });
        file.id = upload.id;
        file.state = upload.file_type;
      } catch (error) {
        file.error = error.message;
      }
      showFiles();
    }),
  );
}

function curl(body, path) {
  const data = JSON.stringify(body).replaceAll("'", "'\\''");
  const key = find('key').value ? " -H 'X-API-Key: YOUR-KEY'" : '';
  return `curl -N '${address}${path}' -H 'Content-Type: application/json'${key} -d '${data}'`;
}

function showRoute(turn, model, routing, seconds, usage, body, path) {
  const line = element('div', 'route');
  const why = routing ? `${routing.reason} (complexity ${Math.round(routing.complexity_score)} of 100)` : 'named by you';
  const tokens = usage ? `, ${usage.prompt_tokens} + ${usage.completion_tokens} tokens` : '';
  line.append(`${model}: ${why}. ${seconds.toFixed(1)} s${tokens}. `);
  const copy = element('button', '', 'Copy as curl');
  copy.type = 'button';
  copy.dataset.curl = curl(body, path);
  copy.onclick = async () => {
    await navigator.clipboard.writeText(copy.dataset.curl);
    copy.textContent = 'Copied';
  };
  line.append(copy);
  turn.append(line);
}

async function ask(text) {
  const ids = files.filter((file) => file.id).map((file) => file.id);
  addTurn(text, true);
  const conversation = messages;
  conversation.push({ role: 'user', content: text });
  const options = { model: find('model').value, stream_options: { include_usage: true } };
  const path = ids.length ? '/api/v1/chat/multimodal-audio' : '/api/v1/chat/completions';
  const body = { messages: [...conversation], ...options, stream: true, ...(ids.length ? { file_ids: ids } : {}) };
  const { turn, content } = addTurn('', false);
  const startedAt = performance.now();
  let answer = '';
  let routing = null;
  let usage = null;
  let model = options.model;
  running = new AbortController();
  find('send').disabled = true;
  find('stop').hidden = false;
  showStatus('Waiting for the first word …');
  try {
    for await (const chunk of client().streamChunks(conversation, ids, { ...options, signal: running.signal })) {
      model = chunk.model;
      routing = chunk.routing ?? routing;
      usage = chunk.usage ?? usage;
      const piece = chunk.choices[0]?.delta.content;
      if (!piece) continue;
      answer += piece;
      content.textContent = answer;
      showStatus(`${model} is answering`);
      conversationView.scrollTop = conversationView.scrollHeight;
    }
    showStatus('');
  } catch (error) {
    const stopped = error.name === 'AbortError';
    turn.classList.toggle('failed', !stopped);
    content.textContent = stopped ? `${answer} [stopped]` : `${answer} ${error.message}`;
    showStatus(stopped ? 'Stopped.' : 'That failed.');
  }
  if (answer) conversation.push({ role: 'assistant', content: answer });
  else conversation.pop();
  showRoute(turn, model, routing, (performance.now() - startedAt) / 1000, usage, body, path);
  running = null;
  find('send').disabled = false;
  find('stop').hidden = true;
  turn.scrollIntoView({ block: 'end' });
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
    showStatus(error ? error.message : '');
  };
  microphone = new Microphone(address, find('key').value, show, ended);
  find('speak').textContent = 'Stop speaking';
  find('speak').setAttribute('aria-pressed', 'true');
  showStatus('Listening');
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
  files = [];
  showFiles();
  conversationView.replaceChildren();
};
find('pick').onchange = (event) => addFiles(event.target.files);
find('key').onchange = showModels;
document.body.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add('over');
};
document.body.ondragleave = () => document.body.classList.remove('over');
document.body.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove('over');
  addFiles(event.dataTransfer.files);
};
showModels();
