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

// A night of training that is under way: how far it is, every few seconds; when it is over, the whole page.
// XMLHttpRequest makes documents of HTML without running anything, as trusted types ask for.
const EVERY = 3000;
const running = () => document.getElementById("running");

function look() {
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.addEventListener("load", () => {
    if (request.status !== 200 || !request.responseXML) return;
    const fresh = request.responseXML.getElementById("running");
    if (fresh) running().replaceWith(document.adoptNode(fresh));
    else location.reload();
  });
  request.send();
}

if (running()) setInterval(() => document.hidden || look(), EVERY);
