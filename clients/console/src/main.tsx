import {render} from 'preact';
import {Shell} from './shell';
import {start} from './store';

const root = document.getElementById('console')!;
root.textContent = '';
render(<Shell />, root);
start();
