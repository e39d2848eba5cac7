"""Pictures with texts and boxes: read, turned into samples, put together into batches."""
