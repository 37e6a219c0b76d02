// Following server-sent events. The browser comes back by itself, with the id it saw last; what
// comes in bursts is handed on in batches.
import {useEffect, useRef} from 'preact/hooks';
import type {Happening} from './model';

const kinds = [
  'started',
  'connected',
  'ready',
  'disconnected',
  'begun',
  'recovered',
  'statements_sent',
  'statements_done',
  'commit_asked',
  'rollback_asked',
  'prepare_sent',
  'voted',
  'record_asked',
  'decided',
  'commit_sent',
  'abort_sent',
  'inquired',
  'asked',
  'applied',
  'damaged',
  'answered',
  'ended',
  'gap',
];
const batch = 250; // milliseconds
const tooMany = 1000; // in a batch: nobody reads these, and the server has better things to do

// `heard` is called with each batch; of one in which too much happened, with nothing.
export function useEvents(path: string | undefined, heard: (events: Happening[]) => void) {
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(() => {
    if (!path) return;
    let events: Happening[] = [];
    let source: EventSource | undefined;
    let resting: ReturnType<typeof setTimeout> | undefined;
    let handing: ReturnType<typeof setTimeout> | undefined;
    const follow = () => {
      source = new EventSource(path);
      for (const kind of kinds)
        source.addEventListener(kind, message => {
          events.push({...JSON.parse(message.data), kind});
          handing ??= setTimeout(hand, batch);
        });
      source.onerror = () => {
        if (source?.readyState !== EventSource.CLOSED) return;
        resting = setTimeout(follow, 2000); // refused, perhaps for the number of followers
      };
    };
    const hand = () => {
      handing = undefined;
      const burst = events.length > tooMany;
      latest.current(burst ? [] : events);
      events = [];
      if (!burst) return;
      source?.close();
      resting = setTimeout(follow, 5000);
    };
    follow();
    return () => {
      source?.close();
      clearTimeout(resting);
      clearTimeout(handing);
    };
  }, [path]);
}
