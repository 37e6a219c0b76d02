// Server-sent events over fetch, for EventSource cannot show a token. Comes back by itself, with
// the id it saw last; a page that nobody sees holds no connection.
import {answerOf, credentials} from './api';

export interface Following {
  path: string;
  silence: number; // milliseconds without a byte, after which nobody is there any more
  prepare?(): Promise<void>; // before each connection; may refuse, as the server may
  heard(event: string, data: string): void;
  up?(): void;
  down?(error: unknown): void; // a connection could not be had; tried again
}

const pause = 1000;
const patience = 2500; // milliseconds, to the header of an answer

export function follow(following: Following): () => void {
  const self = {stopped: false, last: '', control: new AbortController()};
  const onVisibility = () => document.hidden && self.control.abort();
  document.addEventListener('visibilitychange', onVisibility);
  run(following, self);
  return () => {
    self.stopped = true;
    self.control.abort();
    document.removeEventListener('visibilitychange', onVisibility);
  };
}

type Self = {stopped: boolean; last: string; control: AbortController};

async function run(following: Following, self: Self) {
  while (!self.stopped) {
    await untilSeen();
    self.control = new AbortController();
    let opened = false;
    try {
      await following.prepare?.();
      for await (const {event, data, id} of connect(following, self)) {
        if (!opened) following.up?.();
        opened = true;
        if (id) self.last = id;
        if (event && !self.stopped) following.heard(event, data);
      }
    } catch (error) {
      if (!opened && !self.stopped && !document.hidden) following.down?.(error);
    }
    // One that was cut is tried again soon: most often the server has only said who may listen.
    if (!self.stopped) await sleep(opened ? pause / 5 : pause);
  }
}

interface Heard {
  event: string; // empty: there is a connection, or a heartbeat
  data: string;
  id: string;
}

async function* connect(following: Following, self: Self): AsyncGenerator<Heard> {
  const {control} = self;
  let timer = setTimeout(() => control.abort(), patience);
  try {
    const response = await fetch(following.path, {
      cache: 'no-store',
      headers: {
        Accept: 'text/event-stream',
        ...credentials(),
        ...(self.last ? {'Last-Event-ID': self.last} : {}),
      },
      signal: control.signal,
    });
    const reader = (await answerOf(response)).body!.getReader();
    const decoder = new TextDecoder();
    const parse = parser();
    yield {event: '', data: '', id: ''};
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => control.abort(), following.silence);
      const {done, value} = await reader.read();
      if (done) return;
      yield* parse(decoder.decode(value, {stream: true}));
    }
  } finally {
    clearTimeout(timer);
    control.abort();
  }
}

// Text as it comes in, events as they are complete.
export function parser(): (text: string) => Heard[] {
  let rest = '';
  return text => {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop()!;
    return blocks.map(block => {
      const heard: Heard = {event: '', data: '', id: ''};
      for (const line of block.split('\n')) {
        const colon = line.indexOf(': ');
        const name = line.slice(0, colon);
        if (colon > 0 && name in heard) heard[name as keyof Heard] = line.slice(colon + 2);
      }
      return heard;
    });
  };
}

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

function untilSeen(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise(resolve => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
  });
}
