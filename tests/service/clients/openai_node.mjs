// openai-node against the service.
import assert from 'node:assert';
import { createReadStream } from 'node:fs';
import OpenAI from 'openai';

const [base, sound] = process.argv.slice(2);
const messages = [{ role: 'user', content: 'Say hello.' }];
for (const path of ['/v1', '/api/v1']) {
  const client = new OpenAI({ baseURL: base + path, apiKey: 'none', maxRetries: 0 });
  const whole = await client.chat.completions.create({ model: 'auto', messages });
  assert(whole.choices[0].message.content.startsWith('héllo'));
  let text = '';
  let usage = null;
  const options = { stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create({ model: 'm', messages, ...options })) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  assert.strictEqual(text, whole.choices[0].message.content);
  assert.strictEqual(usage.total_tokens, 8);
  const answer = await client.responses.create({ model: 'm', input: 'Say hello.' });
  let streamed = '';
  for await (const event of client.responses.stream({ model: 'm', input: 'Go on.', previous_response_id: answer.id })) {
    if (event.type === 'response.output_text.delta') streamed += event.delta;
  }
  assert.strictEqual(streamed, answer.output_text);
  const heard = await client.audio.transcriptions.create({ model: 'whisper-1', file: createReadStream(sound) });
  assert(heard.text.length > 5);
  const models = [];
  for await (const model of client.models.list()) models.push(model.id);
  assert(models.includes('auto'));
  await assert.rejects(client.chat.completions.create({ model: 'gpt-9', messages }), (error) => {
    return error instanceof OpenAI.NotFoundError && error.message.includes('unknown model');
  });
}
console.log('openai-node works');
