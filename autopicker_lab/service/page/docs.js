// The documentation in the browser's light or dark; light within another page, which turns it dark where it is so itself.
const dark = window.matchMedia('(prefers-color-scheme: dark)');
const follow = () => {
  document.documentElement.classList.toggle('dark-mode', dark.matches);  // as Swagger UI's own style has it
  document.documentElement.style.colorScheme = dark.matches ? 'dark' : 'light';
};
if (window.parent === window) {
  dark.addEventListener('change', follow);
  follow();
}
