// The frame around every page: where one is, the sentence, how old the data is.
import type {ComponentChildren} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {BlockingPage} from './blocking_page';
import {age} from './format';
import {handleKeys, help, keysAreOn, setKeys} from './keys';
import {Head} from './parts';
import {OverviewPage} from './overview_page';
import {ParticipantsPage} from './participants_page';
import {formatRoute, linkTo, parseRoute, type Page, type Route} from './route';
import {gist, mood, sentence, type Situation} from './sentence';
import {consoles, isParticipant, pause, showToken, useKnown, useNow, type Known} from './store';
import {hasToken} from './api';
import {TokenForm} from './token_form';
import {TransactionPage} from './transaction_page';
import {TransactionsPage} from './transactions_page';

export interface PageProps {
  known: Known;
  now: number;
  route: Route;
}

const titles: Record<Page, string> = {
  overview: 'Overview',
  blocking: 'Blocking',
  transactions: 'Transactions',
  participants: 'Participants',
  transaction: 'Transaction',
};
const moodWords = {
  asking: '○ not known',
  calm: '● calm',
  busy: '◐ busy',
  blocked: '▨ blocked',
  lost: '╳ not reached',
};

function useRoute(): Route {
  const [route, setRoute] = useState(parseRoute(location.hash));
  useEffect(() => {
    const listener = () => setRoute(parseRoute(location.hash));
    window.addEventListener('hashchange', listener);
    return () => window.removeEventListener('hashchange', listener);
  }, []);
  return route;
}

export function Shell() {
  const known = useKnown();
  const now = useNow();
  const route = useRoute();
  const helper = useRef<HTMLDialogElement>(null);
  const paused = useRef(false);
  paused.current = known.paused;
  useEffect(
    () =>
      handleKeys({
        help: () => helper.current?.showModal(),
        pause: () => pause(!paused.current),
      }),
    [],
  );
  useEffect(() => {
    document.title = `${titles[route.page]} – Assent`;
  }, [route.page]);
  // Another page was asked for: whoever cannot see it is taken there.
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus();
  }, [route.page, route.id]);
  const situation: Situation = {
    participant: known.version?.participant,
    blocking: known.blocking,
    tokenAsked: known.tokenAsked !== undefined,
    lostMs: known.lostAt === undefined ? undefined : now - known.lostAt,
  };
  return (
    <>
      <Header
        known={known}
        route={route}
        openHelp={() => helper.current?.showModal()}
        skip={() => main.current?.focus()}
      />
      <Sentence known={known} now={now} situation={situation} />
      <main ref={main} tabIndex={-1}>
        <h1>{titles[route.page]}</h1>
        {known.tokenAsked !== undefined ? (
          <TokenForm why={known.tokenAsked} />
        ) : (
          <Content known={known} now={now} route={route} />
        )}
      </main>
      <Announcer situation={situation} />
      <Help dialog={helper} />
    </>
  );
}

function Content(props: PageProps) {
  switch (props.route.page) {
    case 'blocking':
      return <BlockingPage {...props} />;
    case 'transactions':
      return <TransactionsPage {...props} />;
    case 'transaction':
      return <TransactionPage key={props.route.id} {...props} />;
    case 'participants':
      return <ParticipantsPage {...props} />;
    default:
      return <OverviewPage {...props} />;
  }
}

interface HeaderProps {
  known: Known;
  route: Route;
  openHelp(): void;
  skip(): void;
}

function Header({known, route, openHelp, skip}: HeaderProps) {
  const shown: Page[] = ['overview', 'blocking', 'transactions', 'participants'];
  const here = route.page === 'transaction' ? 'transactions' : route.page;
  const place = isParticipant(known)
    ? `participant ${known.version!.participant}`
    : 'coordinator';
  return (
    <header>
      <a
        class="skip"
        href={formatRoute(route)}
        onClick={event => (event.preventDefault(), skip())}
      >
        To the content
      </a>
      <p class="brand">
        <img src="/console/icon.svg" alt="" width="24" height="24" /> Assent{' '}
        <span class="place">{known.version ? place : ''}</span>
      </p>
      <nav aria-label="Pages">
        {shown.map(page => (
          <a key={page} href={linkTo(page)} aria-current={page === here ? 'page' : undefined}>
            {titles[page]}
          </a>
        ))}
      </nav>
      <div class="tools">
        <button type="button" aria-pressed={known.paused} onClick={() => pause(!known.paused)}>
          {known.paused ? '▶ Go on' : '❚❚ Hold still'}
        </button>
        <ThemeButton />
        {hasToken() && (
          <button type="button" onClick={() => showToken(undefined)}>
            Forget the token
          </button>
        )}
        <button type="button" onClick={openHelp} aria-label="Help and keys">
          ?
        </button>
      </div>
    </header>
  );
}

const themes = ['auto', 'light', 'dark'];

function ThemeButton() {
  const [theme, setTheme] = useState(localStorage.getItem('assent.theme') ?? 'auto');
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem('assent.theme', theme);
  }, [theme]);
  return (
    <button type="button" onClick={() => setTheme(themes[(themes.indexOf(theme) + 1) % 3])}>
      Theme: {theme}
    </button>
  );
}

function Sentence({known, now, situation}: {known: Known; now: number; situation: Situation}) {
  const feeling = mood(situation);
  const old = known.heardAt === undefined ? undefined : now - known.heardAt;
  return (
    <section class={`sentence ${feeling}`} aria-label="What is the matter">
      <p class="says">
        <span class="mood">{moodWords[feeling]}</span> {sentence(situation)}
      </p>
      <p class="fresh">
        {isParticipant(known) && (
          <>Seen from participant {known.version!.participant}: its own database only. </>
        )}
        {old === undefined
          ? 'Nothing heard yet'
          : old < 2500
            ? 'Up to date'
            : `What is shown is ${age(old)} old`}
        {known.paused && ', held still: press . to go on'}
      </p>
      {feeling === 'lost' && <Others known={known} />}
    </section>
  );
}

function Others({known}: {known: Known}) {
  const others = Object.entries(consoles());
  if (isParticipant(known)) return null;
  if (others.length === 0)
    return (
      <p class="others">
        No participant has told its address yet: it is the <code>admin.listen</code> of each, in
        its log.
      </p>
    );
  return (
    <p class="others">
      Each participant shows what its own database holds:{' '}
      {others.map(([name, url]) => (
        <a key={name} href={`${url}#/blocking`}>
          {name}
        </a>
      ))}
    </p>
  );
}

// One polite voice, that does not interrupt itself.
const quiet = 8000;

function Announcer({situation}: {situation: Situation}) {
  const [said, setSaid] = useState('');
  const last = useRef({gist: '', at: 0});
  const now = Date.now();
  useEffect(() => {
    const news = gist(situation);
    if (!situation.blocking || news === last.current.gist || now - last.current.at < quiet)
      return;
    last.current = {gist: news, at: now};
    setSaid(sentence(situation));
  });
  return (
    <div class="unseen" role="status" aria-live="polite">
      {said}
    </div>
  );
}

function Help({dialog}: {dialog: preact.RefObject<HTMLDialogElement>}) {
  const [on, setOn] = useState(keysAreOn());
  const row = ([keys, what]: [string, string]): ComponentChildren => (
    <tr key={keys}>
      <th scope="row">
        <kbd>{keys}</kbd>
      </th>
      <td>{what}</td>
    </tr>
  );
  return (
    <dialog ref={dialog} aria-labelledby="help-title">
      <h2 id="help-title">Keys and signs</h2>
      <table>
        <Head columns={['Key', 'Does']} />
        <tbody>{help.map(row)}</tbody>
      </table>
      <p>
        <label>
          <input
            type="checkbox"
            checked={on}
            onChange={event => {
              setKeys(event.currentTarget.checked);
              setOn(event.currentTarget.checked);
            }}
          />{' '}
          Single letters are keys
        </label>
      </p>
      <p>
        ▨ hatched: uncertain, waits for the decision. ◆ diamond: the decision. ▲ a yes, ▼ a no. ■
        an end. ╳ cut off.
      </p>
      <form method="dialog">
        <button>Close</button>
      </form>
    </dialog>
  );
}
