const problem = document.getElementById("problem");

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  try {
    const token = document.getElementById("token").value;
    const response = await fetch("/api/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (response.ok) return location.replace("/");
    problem.textContent = (await response.json()).error;
  } catch {
    problem.textContent = "The server is out of reach. Please try again in a moment.";
  }
  problem.hidden = false;
});
