// What CodeMirror says, which has English of its own. `$` is its value.

import { say } from './say.js';

export const phrases = {
  Completions: say('Completions'),
  'Control character': say('Control character'),
  'Go to line': say('Go to line'),
  'Selection deleted': say('Selection deleted'),
  close: say('close'),
  'current match': say('current match'),
  go: say('go'),
  'on line': say('on line'),
  'replaced $ matches': say('replaced $ matches'),
  'replaced match on line $': say('replaced match on line $'),
  Find: say('Find'),
  Replace: say('Replace'),
  all: say('all'),
  'by word': say('by word'),
  'match case': say('match case'),
  next: say('next'),
  previous: say('previous'),
  regexp: say('regexp'),
  'replace all': say('replace all'),
  replace: say('replace'),
};
