// Speech into a text box while it is said, over the service's socket: settled words stay, the tail behind them changes.

const PIECE_MS = 250;
// What browsers record, the best first; Safari has long known MP4 alone.
const FORMS = { webm: 'audio/webm;codecs=opus', ogg: 'audio/ogg;codecs=opus', mp4: 'audio/mp4' };

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
      if (!navigator.mediaDevices) throw new Error('A microphone needs https, or this machine itself.');
      this.sound = await navigator.mediaDevices.getUserMedia({ audio: true });
      const form = Object.keys(FORMS).find((name) => window.MediaRecorder?.isTypeSupported(FORMS[name]));
      if (!form) throw new Error('This browser records neither WebM, Ogg nor MP4.');
      this.socket = new WebSocket(this.url);
      this.socket.onopen = () => this.begin(form);
      this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
      this.socket.onclose = () => this.finish(new Error('The connection was closed.'));
    } catch (error) {
      this.finish(error);
    }
  }

  begin(form) {
    if (this.key) this.socket.send(JSON.stringify({ type: 'auth', api_key: this.key }));
    this.socket.send(JSON.stringify({ type: 'start', format: form }));
    this.recorder = new MediaRecorder(this.sound, { mimeType: FORMS[form] });
    let last = Promise.resolve();
    this.recorder.ondataavailable = ({ data }) => {
      last = last.then(async () => !this.isOver && this.socket.send(await data.arrayBuffer()));
    };
    this.recorder.onstop = () => last.then(() => !this.isOver && this.socket.send(JSON.stringify({ type: 'end' })));
    this.recorder.start(PIECE_MS);
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
    if (this.recorder?.state === 'recording') this.recorder.stop();
    else this.finish();
    this.sound?.getTracks().forEach((track) => track.stop());
  }

  finish(error) {
    if (this.isOver) return;
    this.isOver = true;
    if (this.recorder?.state === 'recording') this.recorder.stop();
    this.sound?.getTracks().forEach((track) => track.stop());
    this.socket?.close();
    this.ended(error);
  }
}
