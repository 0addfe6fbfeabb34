"""The list of commands. A command's module is imported when the command is used, so that each starts quickly."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from workers.cli.plain_values import take_plainly

# Each command: its module in this package, and its line in `citewire --help`, which is that of its docstring.
COMMANDS = {
    "up": ("processes", "Run the embedded system: queue, workers and web, until SIGTERM or Ctrl-C."),
    "worker": ("processes", "Run one Celery worker."),
    "web": ("processes", "Run the web server."),
    "migrate": ("processes", "Migrate the ledger's schema to this release."),
    "reload": ("reload", "Have the running system take up the settings on disk, without a restart."),
    "backup": ("backups", "Write a consistent copy of the system to FILE while it runs, and verify it."),
    "restore": (
        "backups",
        "Bring a backup back, into an empty system or in place of what is there, and hold everything.",
    ),
    "publish": (
        "publishing",
        "Publish articles. Changed content makes a new revision; unchanged content changes nothing.",
    ),
    "attention": (
        "attention",
        "Show what needs a person, who must act, and what to run first. The exit status is 1 if there is anything.",
    ),
    "status": ("status", "Show the state of an article, or of the whole system, with status 1 if it needs a person."),
    "withdraw": (
        "withdrawing",
        "Withdraw an article everywhere, or the articles of files, of an operation or of a topic.",
    ),
    "articles": (
        "listing",
        "Show every article: its state and dates, why it was withdrawn, its evidence, and its worst delivery.",
    ),
    "operations": (
        "operations",
        "Show what commands and events did, the newest first, or one operation with each of its parts.",
    ),
    "undo": ("operations", "Bring back what an operation changed, as new revisions, and withdraw what it made."),
    "release": (
        "releasing",
        "Release an article that was held for its evidence: its next revision is published, with its evidence marked.",
    ),
    "refresh": (
        "refreshing",
        "Deliver a live article again as it is, to every channel that has it. Its partners get it a second time.",
    ),
    "schedule": (
        "scheduling",
        "Change when an article, or an update, goes live that waits for its time. Its text stays the same.",
    ),
    "render": ("rendering", "Print one rendition of an article."),
    "secret": ("secrets", "Print a new signing secret, alone on the last line. It is kept nowhere."),
    "lint": (
        "linting",
        "Show all mistakes of all files at once, and what publishing them would do. Nothing is sent or kept.",
    ),
    "deliveries": (
        "deliveries",
        "Show the deliveries to each channel. `--state abandoned` shows the dead letters.",
    ),
    "failures": (
        "failures",
        "Show what fails, grouped by cause: since when, who must act, and what to run. Status 1 if anything fails.",
    ),
    "replay": (
        "deliveries",
        "Retry abandoned deliveries with a full set of attempts. The sweep picks them up within a second.",
    ),
    "check": (
        "checks",
        "Check the configuration, reach every channel, and prove that hosts share store and folders.",
    ),
    "doctor": (
        "doctor",
        "Check clocks, disk, folders, settings, processes and versions, and say what to do about each fault.",
    ),
    "references": (
        "references",
        "Show what is known about references. Updates from `--recheck` reach every article that cites them.",
    ),
    "recall": (
        "recall",
        "Show the certificate of a retraction: which articles cite the paper, and what each place showed of it when.",
    ),
    "watch": (
        "watching",
        "Publish the articles in a folder, and then each one that is added or changed, until Ctrl-C.",
    ),
    "listen": (
        "forwarding",
        "Forward what a channel is sent to a receiver on this machine, signed, until Ctrl-C, and print each answer.",
    ),
    "listen-stream": (
        "streaming",
        "Publish and withdraw as the CloudEvents of a Redis Stream say, until Ctrl-C. Any number may read one stream.",
    ),
    "plan": ("planning", "Show what the settings on disk would change at every place. Nothing is changed."),
    "apply": ("planning", "Put the settings on disk in force, and empty the places that channels have left."),
    "reconcile": (
        "reconciling",
        "Read back every place that can be read, and list what is missing, older, unknown, or withdrawn but there.",
    ),
    "places": ("places", "Show where copies lie, or decide about places that channels have left."),
    "top": (
        "top",
        "Show what was delivered by the hour, what waits where and since when, and which sources answer, until Ctrl-C.",
    ),
    "calendar": (
        "calendar",
        "Show what goes live, ends its embargo or falls due for review, in the month from today or another day on.",
    ),
    "feeds": (
        "feeds",
        "Show when each feed was built, how much is in it and what is wrong with it; of one feed, who follows it.",
    ),
    "history": (
        "history",
        "Show the revisions of an article, the newest first: when each was made and rendered, and why.",
    ),
    "show": ("history", "Print a live article in a format, as its readers get it. Nothing is kept."),
    "tail": (
        "tail",
        "Follow what happens: every attempt at a delivery with its answer, and every operation, until Ctrl-C.",
    ),
    "trigger": (
        "trying_out",
        "Send channels, or all of them, a signed test event that they show nobody, and print what each answers.",
    ),
    "completion": (
        "completion",
        'Print the completion script of a shell: `eval "$(citewire completion bash)"`, for fish `… | source`.',
    ),
    "man": (
        "man",
        "Write a manual page of each command, for man(1): citewire.1, citewire-publish.1 and so on.",
    ),
    "channels": ("channels", "Show, test, pause, resume, fill, replace and forget channels."),
    "token": ("tokens", "Tokens for the API."),
    "passkeys": ("passkeys", "Who signs in to the console with a passkey."),
    "sessions": ("sessions", "Who is signed in to the console."),
}


class _Imported(Mapping[str, Any]):
    """The commands by name. Looking one up imports its module; listing their names imports none."""

    def __init__(self) -> None:
        self._found: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            module, _ = COMMANDS[name]
            group = typer.Typer(add_completion=False)
            group.callback()(_nothing)  # typer makes a group of a single command only if there is a callback
            importlib.import_module(f"workers.cli.{module}").register(group)
            gc.freeze()  # nor is it garbage later
            gc.enable()
            imported = cast("TyperGroup", typer.main.get_command(group))
            for one in _every(imported):
                take_plainly(one)
            self._found.update(imported.commands)
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _every(group: TyperGroup) -> Iterator[Any]:
    """Yield each command of a group, and those of its groups."""
    for command in group.commands.values():
        yield command
        if isinstance(command, TyperGroup):
            yield from _every(command)


def _nothing() -> None: ...


class Commands(TyperGroup):
    """The group `citewire`: it knows the names of its commands before it imports them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"commands": _Imported()})
        take_plainly(self)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help from the list, without importing any command."""
        listed = TyperGroup(name=self.name, help=self.help, params=self.params, commands=_listed())
        listed.format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a shell may offer for the first word, from the list, without importing any command."""
        from typer._click.shell_completion import CompletionItem  # typer has no public name for it

        options = super(TyperGroup, self).shell_complete(ctx, incomplete)
        named = [one for one in _listed() if (one.name or "").startswith(incomplete)]
        return [CompletionItem(one.name, help=one.get_short_help_str()) for one in named] + options


def _listed() -> list[TyperCommand]:
    """Return the commands as the list has them: with a name and a line of help, and nothing to run."""
    return [TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()]
