// A client of the Autopicker Lab service for Node 18+ and browsers; no dependencies.

export class ServiceError extends Error {
  constructor(detail, status) {
    super(detail);
    this.name = 'ServiceError';
    this.status = status;
  }
}

export class AutopickerClient {
  constructor(baseUrl = 'http://localhost:8001', apiKey = null) {
    this.baseUrl = baseUrl;
    this.headers = apiKey ? { 'X-API-Key': apiKey } : {};
  }

  /** Upload a Blob or File (in browsers) or the path of a file (in Node). */
  async uploadFile(file, name) {
    let blob = file;
    let label = name ?? file.name;
    if (typeof file === 'string') {
      const { readFile } = await import('node:fs/promises');
      blob = new Blob([await readFile(file)]);
      label = name ?? file.split(/[\\/]/).pop();
    }
    const form = new FormData();
    form.append('file', blob, label ?? 'file');
    return this.#json('/api/v1/upload', { method: 'POST', body: form });
  }

  files() {
    return this.#json('/api/v1/files').then((found) => found.files);
  }

  deleteFile(id) {
    return this.#json(`/api/v1/files/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  /** A whole answer; options are OpenAI's. */
  chat(messages, fileIds = null, options = {}) {
    return this.#post(chatPath(fileIds), chatBody(messages, fileIds, options));
  }

  /** The pieces of an answer's text as they come: `for await (const text of client.stream(...))`. */
  async *stream(messages, fileIds = null, options = {}) {
    const body = chatBody(messages, fileIds, { ...options, stream: true });
    const response = await this.#send(chatPath(fileIds), this.#jsonRequest(body));
    const decoder = new TextDecoder();
    let held = '';
    for await (const bytes of response.body) {
      held += decoder.decode(bytes, { stream: true });
      const lines = held.split('\n');
      held = lines.pop();
      for (const line of lines) {
        if (!line.startsWith('data:')) continue;
        const data = line.slice(5).trim();
        if (data === '[DONE]') return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new ServiceError(chunk.detail, chunk.status_code);
        const text = chunk.choices[0]?.delta.content;
        if (text) yield text;
      }
    }
    throw new ServiceError('the answer was cut short', 502);
  }

  analyze(messages, fileIds = []) {
    return this.#post('/api/v1/analyze-complexity', { messages, file_ids: fileIds }).then(
      (found) => found.complexity_analysis,
    );
  }

  transcribe(fileId, query = {}) {
    return this.#json(`/api/v1/transcribe/${encodeURIComponent(fileId)}?${new URLSearchParams(query)}`, {
      method: 'POST',
    });
  }

  models() {
    return this.#json('/api/v1/models').then((found) => found.data);
  }

  feedback(requestId, score) {
    return this.#post('/api/v1/feedback', { request_id: requestId, score });
  }

  #jsonRequest(body) {
    return { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  }

  #post(path, body) {
    return this.#json(path, this.#jsonRequest(body));
  }

  async #json(path, request = {}) {
    return (await this.#send(path, request)).json();
  }

  async #send(path, request) {
    const headers = { ...this.headers, ...request.headers };
    const response = await fetch(this.baseUrl + path, { ...request, headers });
    if (!response.ok) {
      const error = await response.json().catch(() => ({}));
      throw new ServiceError(error.detail ?? `the service answered ${response.status}`, response.status);
    }
    return response;
  }
}

function chatPath(fileIds) {
  return fileIds?.length ? '/api/v1/chat/multimodal-audio' : '/api/v1/chat/completions';
}

function chatBody(messages, fileIds, options) {
  return { messages, ...options, ...(fileIds?.length ? { file_ids: fileIds } : {}) };
}
