"""The text side: the WordPiece tokenizer and the BERT encoder."""
