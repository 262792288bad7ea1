"""One reader for each kind of file: bytes in, an `ExtractedDocument` out, DocumentRejected with a reason."""
