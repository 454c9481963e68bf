"""The report's text. A blockquote holds nothing but a verbatim quote and its mark."""

from collections.abc import Iterator
from typing import Any

from server.reports.markdown import inline, literal
from server.workflows.research.citations import independent
from server.workflows.research.phrases import say

MOST_FILES_NAMED = 3
SHORT_HASH = 12


def about(question: str, language: str) -> Iterator[str]:
    yield f"# {literal(' '.join(question.split()))}\n\n"
    yield say(language, "about") + "\n\n"


def summary(cited: dict[str, Any], language: str) -> Iterator[str]:
    """The first part: the best sentences on the question itself, or the plain word that there are none."""
    yield f"## {say(language, 'short_answer')}\n\n"
    quotes = [one for one in cited["evidence"] if one["part"] == "summary"]
    if not quotes:
        yield say(language, "main_unanswered" if cited["evidence"] else "nothing") + "\n\n"
    yield from _notice(quotes, language)
    for one in quotes:
        yield _quotation(one, cited, language)


def shown_above(question: dict[str, Any], cited: dict[str, Any]) -> list[int]:
    """The numbers of the sources of a question whose quotes all stand in the report before it; else none."""
    if any(one["part"] == question["id"] for one in cited["evidence"]):
        return []
    own = {one["source"] for one in cited["evidence"] if one["question"] == question["id"]}
    return sorted(own | set(cited["above"].get(question["id"], ())))


def section(question: dict[str, Any], cited: dict[str, Any], language: str) -> Iterator[str]:
    """What was found on one question of the plan, and does not stand above it."""
    yield f"## {say(language, 'more') if question['id'] == 'q1' else literal(question['text'])}\n\n"
    own = [one for one in cited["evidence"] if one["question"] == question["id"]]
    shown = [one for one in own if one["part"] == question["id"]]
    numbers = {one["source"] for one in own} | set(cited["above"].get(question["id"], ()))
    used = [source for source in cited["sources"] if source["n"] in numbers]
    yield say(language, "independent", count=independent(used)) + "\n\n"
    yield from _notice(shown, language)
    for one in shown:
        yield _quotation(one, cited, language)


def above(questions: list[dict[str, Any]], cited: dict[str, Any], language: str) -> Iterator[str]:
    """In one place, the questions on which there is nothing that is not quoted already; no sections of their own."""
    yield f"## {say(language, 'above')}\n\n"
    for question in questions:
        marks = " ".join(f"[{number}]" for number in shown_above(question, cited))
        yield f"- {say(language, 'all_above', question=literal(question['text']), marks=marks)}\n"
    yield "\n"


def gaps(unanswered: list[dict[str, Any]], failed: list[dict[str, Any]], language: str) -> Iterator[str]:
    """What has no answer, and every page that the request named and that could not be read."""
    yield f"## {say(language, 'gaps')}\n\n"
    if not unanswered and not failed:
        yield say(language, "no_gaps") + "\n\n"
        return
    for question in unanswered:
        phrase = "not_searched" if question["skipped"] else "unanswered"
        yield f"- {say(language, phrase, question=literal(question['text']))}\n"
    for one in failed:
        yield f"- {_failure('failed_source', one, language)}\n"
    yield "\n"


def source_list(cited: dict[str, Any], language: str) -> Iterator[str]:
    yield f"## {say(language, 'sources')}\n\n"
    yield from source_lines(cited["sources"])
    if not all(source["date"] for source in cited["sources"]):
        yield f"\n{say(language, 'dateless')}\n"
    yield "\n"


def source_lines(sources: list[dict[str, Any]]) -> Iterator[str]:
    for source in sources:
        place = f"<{source['url']}>" if source["kind"] == "url" else _code(source["path"])
        date = f"{source['date']} · " if source["date"] else ""
        sha256 = source["sha256"][:SHORT_HASH]
        yield f"- [{source['n']}] {literal(source['title'])} — {place} · {date}sha256 `{sha256}`\n"


def method(facts: dict[str, Any], language: str) -> Iterator[str]:
    """How this was made. Nothing here depends on how long it took or on how often it was interrupted."""
    yield f"## {say(language, 'method')}\n\n"
    lines = [say(language, "method_engine")]
    library = facts["library"]
    if library is None:
        lines.append(say(language, "method_no_library"))
    else:
        lines.append(
            say(
                language,
                "method_library",
                name=_code(library["name"]),
                documents=library["documents"],
                duplicates=library["duplicates"],
                unreadable=library["unreadable"],
                digest=f"`{library['digest'][:SHORT_HASH]}`",
            )
        )
        if facts["unreadable"]:
            lines.append(_unreadable(facts["unreadable"], language))
    if facts["pages_read"] or facts["pages_failed"]:
        lines.append(say(language, "method_pages", read=facts["pages_read"], failed=facts["pages_failed"]))
    lines += _searched(facts, language)
    if facts["images"]:
        lines.append(say(language, "no_images"))
    lines.append(say(language, "method_searches", questions=facts["questions"], searches=facts["searches"]))
    lines.append(say(language, "method_quotes", quotes=facts["quotes"], sources=facts["sources"]))
    needs = ("、" if language == "zh" else "; ").join(say(language, f"need_{need}") for need in facts["needs_model"])
    lines.append(say(language, "method_model", needs=needs))
    lines.append(say(language, "status", status=say(language, facts["status"])))
    yield "".join(f"- {line}\n" for line in lines)


def _quotation(one: dict[str, Any], cited: dict[str, Any], language: str) -> str:
    source = cited["sources"][one["source"] - 1]
    shown = inline if source["markup"] else literal
    title = _without_site(source["title"], [one["title"] for one in cited["sources"]])
    place = " › ".join([title, *(heading for heading in one["headings"] if heading not in source["title"])])
    support = one["independent_sources"]
    parts = [shown(place), source["date"] or "", say(language, "like_wording", count=support) if support > 1 else ""]
    return f"> {shown(one['quote'])} [{one['source']}]\n\n— {' · '.join(part for part in parts if part)}\n\n"


def _without_site(title: str, titles: list[str]) -> str:
    """Without the end that it shares with other sources: the site's name, which the source list has in full."""
    head, dash, site = title.rpartition(" — ")
    return head if head and sum(one.endswith(dash + site) for one in titles) > 1 else title


def _failure(phrase: str, one: dict[str, Any], language: str) -> str:
    return say(language, phrase, name=literal(one["url"]), message=literal(one["message"].rstrip(".。")))


def _searched(facts: dict[str, Any], language: str) -> Iterator[str]:
    """Who was asked, what came of it, and each provider that gave nothing, with its reason."""
    for capability in ("web", "academic"):
        if names := facts["providers"].get(capability):
            yield say(language, f"method_{capability}_asked", names=", ".join(names))
        elif facts[capability]:
            yield say(language, f"method_{capability}")
    if facts["providers"]:
        yield say(language, "method_found", **{key: facts[key] for key in ("searched", "found_read", "found_failed")})
    if facts["providers_failed"]:
        failures = [_failure("unreadable_file", one, language) for one in facts["providers_failed"]]
        yield say(language, "method_providers_failed", failures=("；" if language == "zh" else "; ").join(failures))


def _unreadable(files: list[dict[str, Any]], language: str) -> str:
    told = [_failure("unreadable_file", one, language) for one in files[:MOST_FILES_NAMED]]
    if len(files) > MOST_FILES_NAMED:
        told.append(say(language, "more_files", count=len(files) - MOST_FILES_NAMED))
    return say(language, "method_unreadable", files=("；" if language == "zh" else "; ").join(told))


def _notice(quotes: list[dict[str, Any]], language: str) -> Iterator[str]:
    if quotes and all(one["language"] != language for one in quotes):
        yield say(language, f"only_{'en' if language == 'zh' else 'zh'}") + "\n\n"


def _code(text: str) -> str:
    return f"`{text}`" if "`" not in text else literal(text)
