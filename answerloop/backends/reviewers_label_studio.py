"""Accounts in Label Studio. Its API makes none that can sign in, so we do what an invited person would: open the
invitation and fill in the form, with a password that is used once."""

from __future__ import annotations

import re
import secrets

import httpx

from answerloop.backends.label_studio_api import CALL_SECONDS, client, connections, translated
from answerloop.backends.review_label_studio import accounts
from answerloop.errors import InvalidReviewer, ReviewQueueUnavailable
from answerloop.ports import ReviewerAccess

ADDRESS = re.compile(r"[^@\s<>,;]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,60}")
LIKE_AN_ADDRESS = "That is no e-mail address."
PROBLEM = re.compile(r'errors?">\s*<li>([^<]+)')
FOUND = 302


class LabelStudioAccounts:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token

    def invite(self, email: str) -> ReviewerAccess:
        email = email.strip().lower()
        if not ADDRESS.fullmatch(email):
            raise InvalidReviewer(LIKE_AN_ADDRESS)
        if account := self._account(email):
            return ReviewerAccess(account, self._url, None)
        password = secrets.token_urlsafe(12)
        self._sign_up(email, password)
        made = self._account(email)
        if made is None:
            raise ReviewQueueUnavailable("Label Studio took the invitation, but has no such account.")
        return ReviewerAccess(made, self._url, password)

    def _account(self, email: str) -> str | None:
        with translated(), connections() as opened:
            known = accounts(client(self._url, self._token, opened)).values()
        return next((account.id for account in known if account.email.lower() == email), None)

    def _sign_up(self, email: str, password: str) -> None:
        with translated(), httpx.Client(base_url=self._url, timeout=CALL_SECONDS) as browser:
            asked = browser.get("/api/invite", headers={"Authorization": f"Token {self._token}"})
            if asked.status_code != httpx.codes.OK:
                raise ReviewQueueUnavailable(f"Label Studio gives no invitation: {asked.status_code}")
            form = str(asked.json()["invite_url"])
            browser.cookies.clear()
            browser.get(form)
            fields = {
                "email": email,
                "password": password,
                "csrfmiddlewaretoken": browser.cookies.get("csrftoken", ""),
                "allow_newsletters": "false",
            }
            done = browser.post(form, data=fields, headers={"Referer": f"{self._url}{form}"})
            if done.status_code != FOUND:
                problem = PROBLEM.search(done.text)
                raise InvalidReviewer(f"Label Studio refuses: {problem.group(1).strip() if problem else 'no reason'}")
