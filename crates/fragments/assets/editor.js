// The editor: a textarea that helps a little. Loaded by the pages that have one, after holt.js; without it the form still saves.
(() => {
  'use strict';
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const remember = (mode) => {
    try {
      if (mode === undefined) return localStorage.getItem('holt.editor');
      localStorage.setItem('holt.editor', mode);
    } catch { /* storage is switched off: forget */ }
    return null;
  };
  // The server made this HTML with the renderer that publishes pages; nothing else is ever parsed here.
  const trusted = window.trustedTypes?.createPolicy('holt', { createHTML: (rendered) => rendered }) ?? { createHTML: (rendered) => rendered };

  const startEditor = (form) => {
    const area = $('textarea[name=content]', form);
    const pane = $('[data-preview]', form);
    const count = $('[data-count]', form);
    let sending = false, timer = 0, request = null, shown = null, tabLeaves = false;
    const insert = (text) => document.execCommand('insertText', false, text);

    const preview = async () => {
      if (!pane || form.dataset.mode === 'write' || shown === area.value) return;
      request?.abort();
      request = new AbortController();
      const sent = area.value;
      const line = sent.slice(0, area.selectionStart).split('\n').length - 1;
      const body = new URLSearchParams({ content: sent, cursor_line: line });
      const headers = { 'X-CSRF-Token': $('[name=csrf_token]', form).value };
      try {
        const answer = await fetch(form.dataset.previewUrl, { method: 'POST', body, headers, signal: request.signal });
        if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
        pane.innerHTML = trusted.createHTML((await answer.json()).preview_content);
        shown = sent;
        const mark = $('#otterwiki_cursor', pane);
        const at = mark ? mark.getBoundingClientRect().top - pane.getBoundingClientRect().top : 0;
        // What is written stands in the upper third, unless it can be seen already.
        if (mark && (at < 0 || at > pane.clientHeight * 0.8)) pane.scrollTop += at - pane.clientHeight / 3;
        pane.dispatchEvent(new CustomEvent('holt:shown', { bubbles: true }));
      } catch (error) {
        if (error.name !== 'AbortError') pane.textContent = `No preview: ${error.message}. Your text is still here.`;
      }
    };
    // Unsaved work is kept on the server; what is kept is compared with what is shown, so that nothing is sent twice.
    let kept = area.value, keeping = 0;
    const keep = () => {
      clearTimeout(keeping);
      if (sending || !form.dataset.draftUrl || area.value === kept) return;
      kept = area.value;
      const body = new URLSearchParams({ content: kept, revision: $('[name=revision]', form).value });
      const headers = { 'X-CSRF-Token': $('[name=csrf_token]', form).value };
      fetch(form.dataset.draftUrl, { method: 'POST', body, headers, keepalive: kept.length < 50000 }).catch(() => { kept = null; });
    };
    const setMode = (mode) => {
      form.dataset.mode = mode;
      for (const button of $$('[data-set-mode]', form)) button.setAttribute('aria-pressed', button.dataset.setMode === mode);
      remember(mode);
      preview();
    };
    const tell = () => {
      const words = area.value.match(/[^\s]+/g)?.length ?? 0;
      if (count) count.textContent = `${words.toLocaleString()} ${words === 1 ? 'word' : 'words'}`;
    };
    const wrap = (before, after = before) => {
      const { selectionStart: start, selectionEnd: end, value } = area;
      insert(before + value.slice(start, end) + after);
      area.setSelectionRange(start + before.length, end + before.length);
    };
    const indent = (outdent) => {
      const { selectionStart, selectionEnd, value } = area;
      const start = value.lastIndexOf('\n', selectionStart - 1) + 1;
      const lines = value.slice(start, selectionEnd);
      if (!outdent && selectionStart === selectionEnd && !/^\s*([-*+>]|\d+[.)])\s/.test(lines)) return insert('    ');
      const moved = outdent ? lines.replace(/^(\t| {1,4})/gm, '') : lines.replace(/^(?=.)/gm, '    ');
      area.setSelectionRange(start, selectionEnd);
      if (moved) insert(moved); else document.execCommand('delete');
      if (selectionStart !== selectionEnd) area.setSelectionRange(start, start + moved.length);
    };
    const continueList = (event) => {
      const { selectionStart: at, selectionEnd, value } = area;
      if (at !== selectionEnd) return;
      const start = value.lastIndexOf('\n', at - 1) + 1;
      const found = /^(\s*)(?:([-*+]|\d{1,9}[.)])( +)(\[[ xX]\] +)?|(> ?))(.*)$/.exec(value.slice(start, at));
      if (!found) return;
      event.preventDefault();
      const [, space, marker = '', gap = '', task = '', quote = '', rest] = found;
      if (rest === '') { area.setSelectionRange(start, at); document.execCommand('delete'); return; }
      insert(`\n${space}${marker.replace(/\d+/, (n) => String(Number(n) + 1))}${gap}${task && '[ ] '}${quote}`);
    };
    const keys = { b: () => wrap('**'), i: () => wrap('*'), k: () => wrap('[', ']()') };

    form.addEventListener('keydown', (event) => {
      const command = event.ctrlKey || event.metaKey;
      if (command && !event.altKey && event.key === 's') { event.preventDefault(); form.requestSubmit($('[data-save]', form)); }
      if (event.target !== area || event.isComposing) return;
      if (command && !event.shiftKey && !event.altKey && keys[event.key]) { event.preventDefault(); keys[event.key](); }
      else if (event.key === 'Escape') tabLeaves = true;
      else if (event.key === 'Tab' && !tabLeaves && !command) { event.preventDefault(); indent(event.shiftKey); }
      else if (event.key === 'Enter' && !event.shiftKey && !command) continueList(event);
      if (event.key !== 'Escape' && event.key !== 'Shift') tabLeaves = false;
    });
    area.addEventListener('paste', (event) => {
      const url = event.clipboardData?.getData('text/plain').trim() ?? '';
      const picked = area.value.slice(area.selectionStart, area.selectionEnd);
      if (!picked || picked.includes('\n') || !/^https?:\/\/\S+$/.test(url)) return;
      event.preventDefault();
      insert(`[${picked}](${url})`);
    });
    area.addEventListener('input', () => { tell(); clearTimeout(timer); timer = setTimeout(preview, 300); clearTimeout(keeping); keeping = setTimeout(keep, 6000); });
    document.addEventListener('visibilitychange', () => { if (document.hidden) keep(); });
    form.addEventListener('submit', () => { sending = true; });
    form.addEventListener('click', (event) => {
      const button = event.target.closest('[data-set-mode]');
      if (button) setMode(button.dataset.setMode);
    });
    window.addEventListener('pageshow', () => { sending = false; });
    window.addEventListener('beforeunload', (event) => {
      if (!sending && (form.hasAttribute('data-unsaved') || area.value !== area.defaultValue)) event.preventDefault();
    });
    tell();
    if (pane) {
      const mode = remember() || (matchMedia('(min-width: 70rem)').matches ? 'split' : 'write');
      setMode(form.hasAttribute('data-show-preview') ? 'preview' : mode);
    }
  };

  for (const form of $$('form[data-editor]')) startEditor(form);
})();
