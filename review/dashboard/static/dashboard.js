// Keys for whoever judges many answers: 1 to 4, G, P, N choose; C goes to the better answer; S skips; Ctrl+Enter sends.
const form = document.getElementById("verdict-form");

document.addEventListener("keydown", (event) => {
  if (!form) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest("textarea, select, input:not([type=radio]):not([type=checkbox])");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing) return;
  if (event.key.toLowerCase() === "c") {
    event.preventDefault();
    document.getElementById("correction").focus();
    return;
  }
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (wanted && !wanted.matches(":disabled")) wanted.click();
});
