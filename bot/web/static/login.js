import { signIn } from "./api.js";

const problem = document.getElementById("problem");

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  try {
    await signIn(document.getElementById("token").value);
    location.replace("/");
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});
