'use strict';
// Made from autopicker.mjs by `python -m autopicker_lab.client`; a test compares them.

// A client of the Autopicker Lab service for Node 18+ and browsers; no dependencies. Types are in autopicker.d.ts.

const RETRIED = new Set([429, 502, 503, 504]);
const LONGEST_PAUSE_MS = 30_000;

class ServiceError extends Error {
  constructor(detail, status, requestId = null, retryAfter = null) {
    super(detail);
    this.name = 'ServiceError';
    this.status = status;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
  }
}

class AutopickerClient {
  /** `options.retries`: further tries where the service is busy (429, 502 to 504) or was not reached. */
  constructor(baseUrl = 'http://localhost:8001', apiKey = null, options = {}) {
    this.baseUrl = baseUrl.replace(/\/+$/, '');
    this.headers = apiKey ? { 'X-API-Key': apiKey } : {};
    this.retries = options.retries ?? 2;
  }

  /** Upload a Blob or File (in browsers) or the path of a file (in Node). In browsers `onProgress(sent, total)` is called, in bytes. */
  async uploadFile(file, name, onProgress) {
    const form = await formOf(file, name);
    if (onProgress && typeof XMLHttpRequest !== 'undefined') return this.#uploadWithProgress(form, onProgress);
    return this.#json('/api/v1/upload', { method: 'POST', body: form }, 0);
  }

  files() {
    return this.#json('/api/v1/files').then((answer) => answer.files);
  }

  file(id) {
    return this.#json(`/api/v1/files/${encodeURIComponent(id)}`);
  }

  /** What was read out of an upload: a Document as JSON. */
  fileContent(id) {
    return this.#json(`/api/v1/files/${encodeURIComponent(id)}/content`);
  }

  deleteFile(id) {
    return this.#json(`/api/v1/files/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  /** A whole answer; options are OpenAI's, and `signal` (an AbortSignal). */
  chat(messages, fileIds = null, options = {}) {
    const { signal, ...rest } = options;
    return this.#post(chatPath(fileIds), chatBody(messages, fileIds, rest), signal);
  }

  /** The pieces of an answer's text as they come: `for await (const text of client.stream(...))`. */
  async *stream(messages, fileIds = null, options = {}) {
    for await (const chunk of this.streamChunks(messages, fileIds, options)) {
      const text = chunk.choices[0]?.delta.content;
      if (text) yield text;
    }
  }

  /** OpenAI's chunk objects as they come: the first has `routing`, the last ones `finish_reason` and `usage`. */
  async *streamChunks(messages, fileIds = null, options = {}) {
    const { signal, ...rest } = options;
    const body = chatBody(messages, fileIds, { ...rest, stream: true });
    const response = await this.#send(chatPath(fileIds), { ...jsonRequest(body), signal }, 0);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let buffer = '';
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        buffer += decoder.decode(value, { stream: true });
        const lines = buffer.split('\n');
        buffer = lines.pop();
        for (const line of lines) {
          if (!line.startsWith('data:')) continue;
          const data = line.slice(5).trim();
          if (data === '[DONE]') return;
          const chunk = JSON.parse(data);
          if (chunk.error) throw new ServiceError(chunk.detail, chunk.status_code);
          yield chunk;
        }
      }
    } finally {
      reader.cancel().catch(() => {});
    }
    throw new ServiceError('the answer was cut short', 502);
  }

  analyze(messages, fileIds = [], model = null) {
    const body = { messages, file_ids: fileIds, model };
    return this.#post('/api/v1/analyze-complexity', body).then((answer) => answer.complexity_analysis);
  }

  /** What of some files a model would be given for a question, without asking it. */
  context(messages, fileIds, budget = null, model = null) {
    const body = { messages, file_ids: fileIds, budget, model };
    return this.#post('/api/v1/context', body).then((answer) => answer.context);
  }

  /** What is said in an uploaded recording; query: language, task, word_timestamps. */
  transcribe(fileId, query = {}) {
    const path = `/api/v1/transcribe/${encodeURIComponent(fileId)}?${new URLSearchParams(query)}`;
    return this.#json(path, { method: 'POST' });
  }

  /** What is said in a file that is not kept, by OpenAI's route; options: language, response_format ... */
  async hear(file, options = {}, name) {
    const form = await formOf(file, name);
    for (const [key, value] of Object.entries({ model: 'whisper-1', ...options })) form.append(key, value);
    const response = await this.#send('/v1/audio/transcriptions', { method: 'POST', body: form }, 0);
    return response.headers.get('content-type').startsWith('application/json') ? response.json() : response.text();
  }

  /**
   * What is said, while it is said: `settled` words stay, those of `partial` may still change, `done` has all.
   * `pieces` are those of a recording as they come; options: format (pcm16, webm, ogg, mp4), rate, channels, language, task,
   * and `WebSocket`, where there is none (before Node 22).
   */
  async *transcribeLive(pieces, options = {}) {
    const { WebSocket = globalThis.WebSocket, ...rest } = options;
    if (!WebSocket) throw new ServiceError('there is no WebSocket: use Node 22, or give one as `WebSocket`', 0);
    const socket = new WebSocket(`${this.baseUrl.replace(/^http/, 'ws')}/ws/transcribe`);
    const news = new Mailbox();
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => news.put(JSON.parse(data));
    socket.onerror = () => news.fail(new ServiceError(`no service at ${this.baseUrl}`, 0));
    socket.onclose = () => news.fail(new ServiceError('the service closed the connection before all was written', 502));
    socket.onopen = () => {
      const key = this.headers['X-API-Key'];
      if (key) socket.send(JSON.stringify({ type: 'auth', api_key: key }));
      socket.send(JSON.stringify({ type: 'start', ...rest }));
      sendAll(socket, pieces).catch((error) => news.fail(error));
    };
    try {
      for (;;) {
        const message = await news.take();
        if (message.type === 'error') throw errorOf(message.status_code ?? 500, message, () => null);
        if (['settled', 'partial', 'done'].includes(message.type)) yield message;
        if (message.type === 'done') return;
      }
    } finally {
      socket.close();
    }
  }

  models() {
    return this.#json('/api/v1/models').then((answer) => answer.data);
  }

  model(id) {
    return this.#json(`/api/v1/models/${id.split('/').map(encodeURIComponent).join('/')}`);
  }

  feedback(requestId, score) {
    return this.#post('/api/v1/feedback', { request_id: requestId, score });
  }

  feedbackOnMany(judgements) {
    return this.#post('/api/v1/feedback', { feedback: judgements });
  }

  health() {
    return this.#json('/health');
  }

  monitoring() {
    return this.#json('/api/v1/monitoring/health');
  }

  metrics() {
    return this.#json('/api/v1/performance/metrics');
  }

  prometheus() {
    return this.#send('/metrics', {}).then((response) => response.text());
  }

  loadTest(endpoint = '/health', concurrentUsers = 5, requestsPerUser = 10) {
    const query = { endpoint, concurrent_users: concurrentUsers, requests_per_user: requestsPerUser };
    const path = `/api/v1/performance/load-test?${new URLSearchParams(query)}`;
    return this.#json(path, { method: 'POST' }).then((answer) => answer.load_test_results);
  }

  #post(path, body, signal) {
    return this.#json(path, { ...jsonRequest(body), signal });
  }

  async #json(path, request = {}, retries = this.retries) {
    return (await this.#send(path, request, retries)).json();
  }

  async #send(path, request, retries = this.retries) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#fetch(path, request);
      } catch (error) {
        const retriable = error instanceof ServiceError && (error.status === 0 || RETRIED.has(error.status));
        if (!retriable || attempt >= retries) throw error;
        const doubled = 500 * 2 ** attempt * (0.5 + Math.random() / 2);
        const pause = Math.min(error.retryAfter === null ? doubled : error.retryAfter * 1000, LONGEST_PAUSE_MS);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async #fetch(path, request) {
    const headers = { ...this.headers, ...request.headers };
    let response;
    try {
      response = await fetch(this.baseUrl + path, { ...request, headers });
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw new ServiceError(`no service at ${this.baseUrl}: ${error.message}`, 0);
    }
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw errorOf(response.status, body, (name) => response.headers.get(name));
  }

  #uploadWithProgress(form, onProgress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', `${this.baseUrl}/api/v1/upload`);
      for (const [name, value] of Object.entries(this.headers)) request.setRequestHeader(name, value);
      request.responseType = 'json';
      request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
      request.onerror = () => reject(new ServiceError(`no service at ${this.baseUrl}`, 0));
      request.onload = () => {
        if (request.status < 400) resolve(request.response);
        else reject(errorOf(request.status, request.response ?? {}, (name) => request.getResponseHeader(name)));
      };
      request.send(form);
    });
  }
}

/** Messages in the order they came, and the failure behind them. */
class Mailbox {
  #messages = [];
  #failure = null;
  #wake = () => {};

  put(message) {
    this.#messages.push(message);
    this.#wake();
  }

  fail(error) {
    this.#failure ??= error;
    this.#wake();
  }

  async take() {
    while (!this.#messages.length) {
      if (this.#failure) throw this.#failure;
      await new Promise((resolve) => (this.#wake = resolve));
    }
    return this.#messages.shift();
  }
}

const MOST_UNSENT = 2 ** 20; // bytes

/** Send pieces as they come, no faster than the service takes them. */
async function sendAll(socket, pieces) {
  for await (const piece of pieces) {
    while (socket.readyState === 1 && socket.bufferedAmount > MOST_UNSENT) await new Promise((go) => setTimeout(go, 50));
    if (socket.readyState !== 1) return;
    socket.send(piece);
  }
  socket.send(JSON.stringify({ type: 'end' }));
}

function errorOf(status, body, header) {
  const retryAfter = Number.parseFloat(header('retry-after'));
  const detail = body.detail ?? `the service answered ${status}`;
  return new ServiceError(detail, status, header('x-request-id'), Number.isNaN(retryAfter) ? null : retryAfter);
}

function jsonRequest(body) {
  return { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
}

async function formOf(file, name) {
  let blob = file;
  let label = name ?? file.name;
  if (typeof file === 'string') {
    const { readFile } = await import('node:fs/promises');
    blob = new Blob([await readFile(file)]);
    label = name ?? file.split(/[\\/]/).pop();
  }
  const form = new FormData();
  form.append('file', blob, label ?? 'file');
  return form;
}

function chatPath(fileIds) {
  return fileIds?.length ? '/api/v1/chat/multimodal-audio' : '/api/v1/chat/completions';
}

function chatBody(messages, fileIds, options) {
  return { messages, ...options, ...(fileIds?.length ? { file_ids: fileIds } : {}) };
}

module.exports = { AutopickerClient, ServiceError };
