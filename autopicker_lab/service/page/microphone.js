// Speech into a text box while it is said, over the service's socket: settled words stay, the tail behind them changes.

import { describeRefusal, openMicrophone } from './recorder.mjs';

export class Microphone {
  // `show` gets the settled text and the tail; `ended` an error, or nothing.
  constructor(address, key, show, ended) {
    this.url = `${address.replace(/^http/, 'ws')}/ws/transcribe`;
    this.key = key;
    this.show = show;
    this.ended = ended;
    this.settled = '';
    this.isOver = false;
  }

  async start() {
    try {
      this.recording = await openMicrophone();
      if (this.isOver) return this.recording.stop(); // ended while the browser asked for leave
      this.socket = new WebSocket(this.url);
      this.socket.onopen = () => this.begin();
      this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
      this.socket.onclose = () => this.finish(new Error('The connection was closed.'));
    } catch (error) {
      this.finish(new Error(describeRefusal(error)));
    }
  }

  begin() {
    if (this.key) this.tell({ type: 'auth', api_key: this.key });
    this.tell({ type: 'start', format: this.recording.form });
    this.recording.start(
      (data) => !this.isOver && this.socket.send(data),
      () => this.tell({ type: 'end' }),
      (error) => this.finish(new Error(describeRefusal(error))),
    );
  }

  tell(message) {
    if (!this.isOver) this.socket.send(JSON.stringify(message));
  }

  take(message) {
    if (message.type === 'settled') this.settled += message.text;
    if (message.type === 'partial') this.show(this.settled.trim(), message.text);
    if (message.type === 'error') this.finish(new Error(message.detail ?? message.error));
    if (message.type === 'done') {
      this.show(message.text, '');
      this.finish();
    }
  }

  // What is said so far is still written.
  stop() {
    if (!this.recording?.isRunning) this.finish();
    else this.recording.stop();
  }

  finish(error) {
    if (this.isOver) return;
    this.isOver = true;
    this.recording?.stop();
    this.socket?.close();
    this.ended(error);
  }
}
