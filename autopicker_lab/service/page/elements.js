// What the page is built of: elements with text alone, and the dialog in which a text is read.

export const find = (id) => document.getElementById(id);

export function element(name, className = '', text = '') {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}

export function button(text, onclick, className = 'small') {
  const node = element('button', className, text);
  node.type = 'button';
  node.onclick = onclick;
  return node;
}

export function table(titles, rows) {
  const node = element('table');
  const head = node.createTHead().insertRow();
  head.append(...titles.map((title) => Object.assign(element('th', '', title), { scope: 'col' })));
  const body = node.createTBody();
  for (const cells of rows) {
    const row = body.insertRow();
    cells.forEach((content, i) => {
      const cell = row.insertCell();
      cell.dataset.title = titles[i];  // stands before the cell where rows are stacked
      cell.append(content);
    });
  }
  return node;
}

// Show some elements in the dialog; the first one marked comes into sight.
export function read(title, ...nodes) {
  find('reader-title').textContent = title;
  find('reader-body').replaceChildren(...nodes);
  if (!find('reader').open) find('reader').showModal();
  const marked = find('reader-body').querySelector('mark');
  if (marked) marked.scrollIntoView({ block: 'center' });
  else find('reader-body').scrollTop = 0;
}

find('close').onclick = () => find('reader').close();
find('reader').onclick = (event) => {
  if (event.target === find('reader')) find('reader').close();  // beside it
};

export function bytes(count) {
  if (count < 1024) return `${count} bytes`;
  return count < 2 ** 20 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 2 ** 20).toFixed(1)} MiB`;
}

// USD in as many digits as say something.
export function dollars(cost) {
  if (cost >= 0.01) return `${cost.toFixed(2)} USD`;
  return `${cost.toFixed(Math.min(12, 1 - Math.floor(Math.log10(cost))))} USD`;
}
