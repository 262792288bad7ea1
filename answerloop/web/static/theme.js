// Runs before the page is painted, so that a remembered theme never flashes.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // storage is switched off: follow the system
  }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
