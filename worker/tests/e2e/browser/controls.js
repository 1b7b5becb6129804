// What can be used on a page, in its order; of radio buttons that belong together, one.
function controls() {
  const candidates = 'a[href], button, input, select, textarea, summary, [tabindex="0"], [contenteditable]';
  const groups = new Set();
  return [...document.querySelectorAll(candidates)].filter(control => {
    if (control.disabled || control.type === 'hidden') return false;
    if (!control.checkVisibility({ visibilityProperty: true })) return false;
    if (control.type !== 'radio') return true;
    const members = [...document.getElementsByName(control.name)];
    const first = members.find(member => member.checked) || members[0];
    return control === first && !groups.has(control.name) && groups.add(control.name);
  });
}

// How often Tab is pressed on the way through all of them: a date has fields of its own, and what scrolls
// can be scrolled.
function steps() {
  const dates = controls().filter(control => /^(date|time|month|week)/.test(control.type));
  const scrolled = [...document.querySelectorAll('*')].filter(
    element => element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
  return controls().length + 7 * dates.length + Math.min(scrolled.length, 20) + 2;
}

// The same for an element that an update has replaced by its like.
function name(control) {
  const marks = ['id', 'name', 'href', 'value'].map(mark => control.getAttribute(mark));
  return [control.localName, ...marks, control.textContent.trim().slice(0, 40)].filter(Boolean).join(' ');
}
