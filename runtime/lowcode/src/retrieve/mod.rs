//! One slice of a stream: requests, pages, records.
