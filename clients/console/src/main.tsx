import {render} from 'preact';

render(<p>Assent</p>, document.getElementById('console')!);
