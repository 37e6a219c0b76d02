// Following what happens; what comes in bursts is handed on in batches.
import {useEffect, useRef} from 'preact/hooks';
import type {Happening} from './model';
import {follow} from './stream';

const batch = 250; // milliseconds
const tooMany = 1000; // in a batch: nobody reads these, and the server has better things to do
const rest = 5000;
const silence = 40_000; // the server's heart beats every 15 s

// `heard` is called with each batch; of one in which too much happened, with nothing.
export function useEvents(path: string | undefined, heard: (events: Happening[]) => void) {
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(() => {
    if (!path) return;
    let events: Happening[] = [];
    let stop = () => {};
    let resting: ReturnType<typeof setTimeout> | undefined;
    let handing: ReturnType<typeof setTimeout> | undefined;
    const listen = () => {
      stop = follow({
        path,
        silence,
        heard: (kind, data) => {
          events.push({...JSON.parse(data), kind});
          handing ??= setTimeout(hand, batch);
        },
      });
    };
    const hand = () => {
      handing = undefined;
      const burst = events.length > tooMany;
      latest.current(burst ? [] : events);
      events = [];
      if (!burst) return;
      stop();
      resting = setTimeout(listen, rest);
    };
    listen();
    return () => {
      stop();
      clearTimeout(resting);
      clearTimeout(handing);
    };
  }, [path]);
}
