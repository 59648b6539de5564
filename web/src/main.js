// The beginning: every form that asks for an editor gets one. Loaded only by the pages that have one, after holt.js.

import { $$ } from './dom.js';
import { startForm } from './form.js';

const start = performance.now();
for (const form of $$('form[data-editor]')) startForm(form);
performance.measure('holt:editor', { start });
