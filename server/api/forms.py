"""The one file in a form (multipart/form-data, RFC 7578), read as it comes."""

from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from server.errors import FieldError, HoldfastError, InvalidParameters, InvalidRequest

MOST_PARTS = 100


class FormFile:
    """What a form has in its one part with a file name; the texts of its other parts are passed over.

    ``name`` and ``media_type`` are there after `begin`; they are as they were sent.
    """

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        """:raises InvalidRequest: no boundary is that long."""
        self.name, self.media_type = "", ""
        self._pieces = pieces
        self._found: list[bytes] = []
        self._inside = self._begun = self._ended = False
        self._parts = 0
        self._header, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _unreadable(error) from None

    async def begin(self) -> None:
        """Read up to the file. :raises InvalidRequest, InvalidParameters: there is none, or it is no form."""
        while not self._begun:
            if not await self._read_on():
                raise _refused("no_file", "There is no file in this form; send one part that has a `filename`")

    async def content(self) -> AsyncIterator[bytes]:
        """The file, and all after it to the form's end, so that a whole form is known to be whole.

        :raises InvalidRequest, InvalidParameters: there is another file, or it is no form.
        """
        more = True
        while more:
            found, self._found = self._found, []
            for piece in found:
                yield piece
            more = await self._read_on()
        for piece in self._found:
            yield piece

    async def _read_on(self) -> bool:
        """Read one piece more; False at the end. :raises InvalidRequest: it is no whole form."""
        async for piece in self._pieces:
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise _unreadable(error) from None
            return True
        if not self._ended:
            raise InvalidRequest("This form broke off before its last boundary; send it again.")
        return False

    def _on_part(self) -> None:
        self._inside, self._headers = False, {}
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _refused("too_many_parts", f"This form has more than {MOST_PARTS} parts; send the file alone")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"filename")
        if not name:  # a text, or a field for a file in which none was chosen
            return
        if self._begun:
            raise _refused("second_file", "There is more than one file in this form; send each by itself")
        self._inside = self._begun = True
        self.name = name.decode("utf-8", errors="replace")
        self.media_type = self._headers.get(b"content-type", b"").decode("latin-1")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._found.append(data[start:end])

    def _on_end(self) -> None:
        self._ended = True


def boundary_of(content_type: str) -> bytes | None:
    """What parts a form; None where this is no form. :raises InvalidRequest: it does not say."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        return None
    if not options.get(b"boundary"):
        raise InvalidRequest("A form names its `boundary` in Content-Type; your HTTP client sets it by itself.")
    return options[b"boundary"]


def _unreadable(error: FormParserError) -> HoldfastError:
    return InvalidRequest(f"This is no form (multipart/form-data) that can be read: {str(error)[:200].rstrip('.')}.")


def _refused(code: str, message: str) -> HoldfastError:
    return InvalidParameters(errors=[FieldError("file", code, message)])
