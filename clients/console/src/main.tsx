import {render} from 'preact';
import {Shell} from './shell';
import {poll} from './store';

const root = document.getElementById('console')!;
root.textContent = '';
render(<Shell />, root);
poll();
