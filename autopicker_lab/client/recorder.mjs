// The browser's microphone, recorded in pieces: for the service's page, and for panels in notebooks.

const PIECE_MS = 250;
// What browsers record, the best first; Safari has long known MP4 alone.
const FORMS = { webm: 'audio/webm;codecs=opus', ogg: 'audio/ogg;codecs=opus', mp4: 'audio/mp4' };
const REFUSALS = {
  NotAllowedError: 'The browser may not use the microphone: allow it beside the address, then record again.',
  NotFoundError: 'There is no microphone: connect one, or give a recording.',
  NotReadableError: 'Another program uses the microphone: end it, then record again.',
};

// Why there is no sound, with the next step.
export const describeRefusal = (error) => REFUSALS[error.name] ?? `The microphone failed: ${error.message}`;

// A Recording that waits to be started; an error where the browser cannot record, or may not.
export async function openMicrophone() {
  if (!navigator.mediaDevices) throw new Error('it needs https, or this machine itself.');
  const form = Object.keys(FORMS).find((name) => window.MediaRecorder?.isTypeSupported(FORMS[name]));
  if (!form) throw new Error('this browser records neither WebM, Ogg nor MP4.');
  const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
  try {
    return new Recording(sound, form);
  } catch (error) {
    release(sound);
    throw error;
  }
}

const release = (sound) => sound.getTracks().forEach((track) => track.stop());

class Recording {
  constructor(sound, form) {
    this.form = form;
    this.sound = sound;
    this.recorder = new MediaRecorder(sound, { mimeType: FORMS[form] });
  }

  // `take` gets the pieces one after the other, as ArrayBuffers, and `ended` is called after the last.
  start(take, ended, failed = () => {}) {
    let last = Promise.resolve();
    this.recorder.ondataavailable = ({ data }) => {
      last = last.then(async () => take(await data.arrayBuffer()));
    };
    this.recorder.onstop = () => last.then(ended).catch(failed);
    this.recorder.onerror = ({ error }) => failed(error);
    this.recorder.start(PIECE_MS);
  }

  get isRunning() {
    return this.recorder.state === 'recording';
  }

  // What was said so far still comes.
  stop() {
    if (this.isRunning) this.recorder.stop();
    release(this.sound);
  }
}
