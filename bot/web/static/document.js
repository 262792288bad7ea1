// The browser scrolls to #passage by itself; keyboard and screen reader should start there too.
if (location.hash === "#passage") document.getElementById("passage")?.focus({ preventScroll: true });
