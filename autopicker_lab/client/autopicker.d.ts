// Types of autopicker.mjs and autopicker.cjs.

export interface Message {
  role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function';
  content: string | Array<Record<string, unknown>> | null;
  [name: string]: unknown;
}

/** OpenAI's options of a chat, passed on as they are; `signal` aborts it. */
export interface ChatOptions {
  /** How files are read: with `whole`, from end to end in steps, within bounds. */
  reading?: { whole: boolean; max_calls?: number; max_usd?: number | null };
  model?: string;
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  max_completion_tokens?: number;
  stop?: string | string[];
  seed?: number;
  n?: number;
  response_format?: Record<string, unknown>;
  tools?: Array<Record<string, unknown>>;
  stream_options?: { include_usage?: boolean };
  signal?: AbortSignal;
  [name: string]: unknown;
}

export interface Upload {
  id: string;
  filename: string;
  original_filename: string;
  size: number;
  mime_type: string;
  content_preview: string;
  file_type: string;
  warnings?: string[];
}

export interface FileRecord {
  id: string;
  filename: string;
  size: number;
  created_at: number;
  mime_type: string;
  file_type: string;
}

export interface Routing {
  complexity_score: number;
  selected_model: string;
  reason: string;
  fallback_used: boolean;
  cascade?: {
    went_up: boolean;
    why: string;
    signal: string;
    value: number | null;
    right: number | null;
    calls: Array<{ model: string; prompt_tokens: number; completion_tokens: number; cost_usd: number; seconds: number }>;
  };
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  [name: string]: unknown;
}

export interface Completion {
  id: string;
  object: 'chat.completion';
  created: number;
  model: string;
  choices: Array<{ index: number; message: Message; finish_reason: string; [name: string]: unknown }>;
  usage: Usage;
  routing?: Routing;
  files_processed?: number;
  file_errors?: Array<Record<string, string>>;
  context?: {
    used: string[];
    left_out: string[];
    warnings: string[];
    coverage: Array<{ file: string; share: number }>;
    method: string | null;
    encoder: string | null;
  };
}

export interface Chunk {
  id: string;
  object: 'chat.completion.chunk';
  created: number;
  model: string;
  choices: Array<{ index: number; delta: Partial<Message>; finish_reason: string | null; [name: string]: unknown }>;
  usage?: Usage;
  /** Beside `usage`: what it cost with all that was asked before it; 0 for one that was answered before. */
  cost_usd?: number;
  routing?: Routing;
  [name: string]: unknown;
}

export interface Analysis {
  complexity_score: number;
  selected_model: string;
  reasoning: Record<string, unknown>;
  candidates: Array<Record<string, unknown>>;
  estimated_tokens: number;
  estimated_cost_usd: number;
}

export interface FileContext {
  text: string;
  tokens: number;
  budget: number;
  model: string | null;
  passages: Array<{ number: number; file: string; part: string; text: string; why: string; score: number }>;
  used: string[];
  left_out: string[];
  warnings: string[];
  coverage: Array<{ file: string; share: number }>;
}

export interface Transcription {
  file_id: string;
  filename: string;
  transcription: string;
  language: string;
  duration: number;
  type: 'audio';
  segments: Array<{ start: number; end: number; text: string }>;
  warnings: string[];
}

export interface LiveText {
  type: 'settled' | 'partial' | 'done';
  text: string;
  words?: Array<{ start: number; end: number; word: string; probability: number }>;
  received?: number;
  delay?: number | null;
  language?: string | null;
  duration?: number;
}

export interface Model {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
  capabilities: string[];
  available: boolean;
}

export class ServiceError extends Error {
  constructor(detail: string, status: number, requestId?: string | null, retryAfter?: number | null);
  /** HTTP status; 0 where the service was not reached. */
  status: number;
  requestId: string | null;
  /** Seconds. */
  retryAfter: number | null;
}

export class AutopickerClient {
  constructor(baseUrl?: string, apiKey?: string | null, options?: { retries?: number });
  baseUrl: string;
  headers: Record<string, string>;
  retries: number;
  uploadFile(
    file: Blob | string,
    name?: string,
    onProgress?: (sent: number, total: number) => void,
  ): Promise<Upload>;
  files(): Promise<FileRecord[]>;
  file(id: string): Promise<FileRecord>;
  fileContent(id: string): Promise<Record<string, unknown>>;
  deleteFile(id: string): Promise<{ id: string; deleted: boolean }>;
  chat(messages: Message[], fileIds?: string[] | null, options?: ChatOptions): Promise<Completion>;
  stream(messages: Message[], fileIds?: string[] | null, options?: ChatOptions): AsyncGenerator<string, void>;
  streamChunks(messages: Message[], fileIds?: string[] | null, options?: ChatOptions): AsyncGenerator<Chunk, void>;
  analyze(messages: Message[], fileIds?: string[], model?: string | null): Promise<Analysis>;
  context(messages: Message[], fileIds: string[], budget?: number | null, model?: string | null): Promise<FileContext>;
  transcribe(fileId: string, query?: Record<string, string>): Promise<Transcription>;
  hear(file: Blob | string, options?: Record<string, string>, name?: string): Promise<{ text: string } | string>;
  transcribeLive(
    pieces: AsyncIterable<ArrayBuffer | Uint8Array> | Iterable<ArrayBuffer | Uint8Array>,
    options?: { format?: 'pcm16' | 'webm' | 'ogg' | 'mp4'; rate?: number; channels?: number; [name: string]: unknown },
  ): AsyncGenerator<LiveText, void>;
  models(): Promise<Model[]>;
  model(id: string): Promise<Model>;
  feedback(requestId: string, score: number): Promise<Record<string, unknown>>;
  feedbackOnMany(
    judgements: { request_id: string; score?: number; signal?: string }[],
  ): Promise<{ status: string; stored: number; unknown: string[] }>;
  health(): Promise<{ status: string; service: string }>;
  monitoring(): Promise<Record<string, unknown>>;
  metrics(): Promise<Record<string, unknown>>;
  prometheus(): Promise<string>;
  loadTest(endpoint?: string, concurrentUsers?: number, requestsPerUser?: number): Promise<Record<string, unknown>>;
}
