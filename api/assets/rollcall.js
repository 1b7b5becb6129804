// Everything works without this script. With it, open pages stay current and times are told as ages.
(() => {
  'use strict';

  const age = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' });
  const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

  function tellTimes(root) {
    for (const time of root.querySelectorAll('time[datetime]')) {
      time.title ||= time.textContent;
      const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
      const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units[3];
      time.textContent = Math.abs(seconds) < 1 ? 'now' : age.format(-Math.trunc(seconds / length), unit);
    }
  }

  function fromHtml(html) {
    const template = document.createElement('template');
    template.innerHTML = html;
    tellTimes(template.content);
    return template.content;
  }

  function replace(element, html) {
    const focused = element.contains(document.activeElement) ? document.activeElement.id : '';
    const open = [...element.querySelectorAll('details[open][id]')].map((details) => details.id);
    element.replaceWith(fromHtml(html));
    for (const id of open) document.getElementById(id)?.setAttribute('open', '');
    if (focused) document.getElementById(focused)?.focus();
  }

  // A list grows at its top, up to `data-most` items. A paused one keeps them for later.
  function prepend(list, html) {
    const fresh = fromHtml(html);
    for (const item of [...fresh.children]) if (item.id && document.getElementById(item.id)) item.remove();
    list.prepend(fresh);
    while (list.children.length > Number(list.dataset.most)) list.lastElementChild.remove();
    document.getElementById(list.dataset.empty)?.setAttribute('hidden', '');
  }

  function follow(root) {
    let source = null;
    let pause = 1000;
    let held = null;
    const state = root.querySelector('[data-state]');
    const button = root.querySelector('[data-pause]');
    const say = (name) => {
      if (!state) return;
      state.dataset.state = name;
      state.textContent = { live: 'Live', paused: 'Paused', lost: 'Connection lost, trying again', trouble: 'The figures cannot be read, trying again' }[name];
    };
    const told = (element, event) => {
      if (!('most' in element.dataset)) replace(element, event.data);
      else if (held) held.push([element, event.data]);
      else prepend(element, event.data);
      if (held && held.length > 200) held.shift();
      if (state?.dataset.state !== 'paused') say('live');
    };

    function connect() {
      source = new EventSource(root.dataset.live);
      source.onopen = () => { pause = 1000; say(held ? 'paused' : 'live'); };
      source.onerror = () => { say('lost'); if (source.readyState === EventSource.CLOSED) again(); };
      source.addEventListener('gone', () => location.reload());
      source.addEventListener('trouble', () => say('trouble'));
      for (const { id } of root.querySelectorAll('[id]:not(li)')) {
        source.addEventListener(id, (event) => {
          const element = document.getElementById(id);
          if (element) told(element, event);
        });
      }
    }

    // A refused stream does not come back by itself: perhaps nobody is logged in any more.
    async function again() {
      const asked = source;
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause = Math.min(pause * 2, 30000);
      if (asked !== source || document.hidden) return;
      const answer = await fetch(root.dataset.live, { headers: { accept: 'text/event-stream' } }).catch(() => null);
      if (answer?.status === 401) return location.reload();
      answer?.body?.cancel();
      if (answer?.ok) connect(); else again();
    }

    const disconnect = () => { source?.close(); source = null; };
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) disconnect(); else if (!source) connect();
    });
    addEventListener('pagehide', disconnect);
    button?.removeAttribute('hidden');
    button?.addEventListener('click', () => {
      const waiting = held;
      held = held ? null : [];
      button.setAttribute('aria-pressed', String(Boolean(held)));
      button.textContent = held ? 'Go on' : 'Pause';
      for (const [element, html] of waiting ?? []) prepend(element, html);
      say(held ? 'paused' : 'live');
    });
    connect();
  }

  // What cannot be undone is asked once more.
  document.addEventListener('submit', (event) => {
    const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  tellTimes(document);
  setInterval(() => tellTimes(document), 5000);
  for (const root of document.querySelectorAll('[data-live]')) follow(root);
})();
