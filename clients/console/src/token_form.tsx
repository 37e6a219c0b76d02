// Where access is controlled: who asks has to show a token.
import {useState} from 'preact/hooks';
import {showToken} from './store';

export function TokenForm({why}: {why: string}) {
  const [token, setToken] = useState('');
  return (
    <form
      class="token"
      onSubmit={event => {
        event.preventDefault();
        if (token.trim()) showToken(token.trim());
      }}
    >
      <p>
        This server says: <q>{why}</q>
      </p>
      <p>
        <label for="token">Token of a viewer or an operator</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="token-hint"
          value={token}
          onInput={event => setToken(event.currentTarget.value)}
        />
        <button>Show</button>
      </p>
      <p id="token-hint">
        It is kept in this tab only, until that is closed, and sent to this server alone.{' '}
        <code>assent token new viewer NAME</code> makes one.
      </p>
    </form>
  );
}
