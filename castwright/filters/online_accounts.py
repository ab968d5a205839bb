"""E-mail addresses, accounts on social media and IP addresses: what reaches a person online.

Domains and networks that standards keep for examples (RFC 2606, RFC 5737, RFC 3849) are nobody's; `ipaddress` knows the
networks. A word after "@" is an account unless it is a word of code or of chat ("@property", "@home"). (Rejected: every
link; a card may name a site, and only a profile is a person's.)
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from castwright.filters.prose import load_lexicon

_NOBODYS: dict[str, list[str]] = load_lexicon("personal_data")

EMAIL_TRIGGER = r"(?i)@|\[at\]|\(at\)| dot "
IP_TRIGGER = r"(?i)\d\.\d{1,3}\.\d{1,3}\.\d|[0-9a-f]{1,4}:[0-9a-f]{0,4}:"
ACCOUNT_TRIGGER = (
    r"(?i)@\w|\.(?:com|net|tv|me|app)/|\.tumblr\.|(?:twitter|insta|ig|tiktok|snap|telegram|discord|kik|wechat|skype"
    r"|mastodon|threads)[\w ]{0,16}\s*(?:is|:|=)"
)

_DOT = r"(?:\.|\s?\[dot\]\s?|\s?\(dot\)\s?|\s+dot\s+)"
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]+(?:@|\s?\[at\]\s?|\s?\(at\)\s?|\s+at\s+(?=[\w-]+\s+dot\s))"
    rf"(?P<domain>[\w-]+(?:{_DOT}[\w-]+)*{_DOT}[^\W\d_]{{2,}})(?!\w)",
    re.IGNORECASE,
)
_EXAMPLE_DOMAIN = re.compile(
    r"(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|local)$", re.IGNORECASE
)
_IPV4 = re.compile(r"(?<![\w.-])(?<!version )(?<!\bv)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE)
_LEAST_GROUPS = 3
_PUBLIC_RESOLVERS = frozenset(_NOBODYS["resolvers"])
_PROFILE = re.compile(
    r"(?:https?://)?(?:www\.|m\.|[a-z]{2}\.)?(?:(?:twitter|x|instagram|facebook|fb|tiktok|threads|snapchat|pinterest|twitch"
    r"|patreon|onlyfans|github|medium|soundcloud|vk|weibo)\.(?:com|net|tv)/(?:add/|u/|@)?(?P<user>[\w.-]{2,40})"
    r"|linkedin\.com/in/[\w%-]{2,60}|t\.me/\w{3,40}|youtube\.com/(?:@|c/|user/|channel/)[\w.-]{2,60}|reddit\.com/u(?:ser)?/[\w-]{2,40}"
    r"|[\w-]{2,40}\.tumblr\.com|bsky\.app/profile/[\w.-]{3,60}|wa\.me/\d{6,15})",
    re.IGNORECASE,
)
_NO_USER = frozenset(_NOBODYS["no_users"])
_HANDLE = re.compile(r"(?<![\w@/.`=+-])@(?P<user>[A-Za-z_][\w.]{2,29})(?:@[\w-]+(?:\.[\w-]+)+)?(?![\w(@])")
_NO_HANDLE = frozenset(_NOBODYS["no_handles"])
_ACCOUNT = re.compile(
    r"\b(?:twitter|instagram|insta|ig|tiktok|snapchat|snap|telegram|discord|kik|wechat|skype|mastodon|threads)"
    r"(?: (?:handle|account|user ?name|id|name))?\s*(?:is|:|=)\s*@?(?P<user>[a-z][\w.]{2,29})\b",
    re.IGNORECASE,
)


def emails(text: str) -> Iterator[str]:
    """Yield the e-mail addresses of a text, also "name (at) host (dot) org", but for domains kept as examples."""
    for match in _EMAIL.finditer(text):
        domain = re.sub(r"\s*(?:\[dot\]|\(dot\)|\bdot\b)\s*", ".", match["domain"], flags=re.IGNORECASE).replace(
            " ", ""
        )
        if not _EXAMPLE_DOMAIN.search(domain):
            yield match.group()


def ip_addresses(text: str) -> Iterator[str]:
    """Yield the public IP addresses of a text; those of private, reserved and documentation networks are nobody's."""
    for match in (*_IPV4.finditer(text), *_IPV6.finditer(text)):
        said = match.group()
        if len(re.findall(r"[0-9a-fA-F]+", said)) < _LEAST_GROUPS:  # "[1::2]" is a slice
            continue
        try:
            address = ipaddress.ip_address(said)
        except ValueError:
            continue
        if address.is_global and said not in _PUBLIC_RESOLVERS and not said.endswith(".0"):
            yield said


def social_accounts(text: str) -> Iterator[str]:
    """Yield handles ("@someone"), "instagram: someone" and the addresses of profiles."""
    for match in _PROFILE.finditer(text):
        if (match["user"] or "").lower() not in _NO_USER:
            yield match.group()
    for match in _HANDLE.finditer(text):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.end() + 1]
        decorator = not line[: line.find("@")].strip() and (text[match.end() : match.end() + 1] == "\n")
        if match["user"].rstrip(".").lower() not in _NO_HANDLE and not decorator:
            yield match.group()
    for match in _ACCOUNT.finditer(text):
        if re.search(r"[\d_.]", match["user"]) or "@" in match.group():
            yield match.group()
