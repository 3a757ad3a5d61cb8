//! What the web door serves: pages, with their tags and their compressed form, made when they are
//! first asked for and kept.

use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;

use data_encoding::BASE64URL_NOPAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use log::warn;
use sha1::{Digest, Sha1};

use crate::server::doors::web::documents;
use crate::server::doors::web::origin::{Guard, Origin};
use crate::web;

/// What is smaller is not worth compressing: it is one packet as it is.
const COMPRESSED_FROM: usize = 1024;

/// The pages, and who may ask for them.
pub(in crate::server) struct Site {
    guard: Guard,
    /// Those that were asked for. There are no others than those that are embedded, so it is
    /// bounded.
    pages: HashMap<Box<str>, Rc<Page>>,
}

/// Something that is served, and how it is called.
pub(in crate::server) struct Page {
    pub(in crate::server) content_type: &'static str,
    pub(in crate::server) plain: Representation,
    /// Only if it is smaller.
    pub(in crate::server) gzip: Option<Representation>,
}

/// One form of a page.
pub(in crate::server) struct Representation {
    pub(in crate::server) body: Vec<u8>,
    /// Another one for other bytes: a strong validator.
    pub(in crate::server) etag: String,
}

impl Site {
    pub(in crate::server) fn new(origins: &[Origin]) -> Self {
        Self {
            guard: Guard::new(origins),
            pages: HashMap::new(),
        }
    }

    pub(in crate::server) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What is at a path.
    pub(in crate::server) fn page(&mut self, path: &str) -> Option<Rc<Page>> {
        if let Some(page) = self.pages.get(path) {
            return Some(Rc::clone(page));
        }
        let file = web::FILES.iter().find(|file| file.path == path);
        let page = match file {
            Some(file) => Page::new(file.content_type, file.bytes.to_vec()),
            None => {
                let (content_type, body) = documents::read(path.strip_prefix("/docs/")?)?;
                Page::new(content_type, body)
            }
        };
        let page = Rc::new(page);
        self.pages.insert(path.into(), Rc::clone(&page));
        Some(page)
    }
}

impl Page {
    fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        let is_text = !content_type.starts_with("image/") || content_type.contains("svg");
        let gzip = (is_text && body.len() >= COMPRESSED_FROM)
            .then(|| compress(&body))
            .and_then(|compressed| {
                compressed
                    .inspect_err(|error| warn!("a page was not compressed: {error}"))
                    .ok()
            })
            .filter(|compressed| compressed.len() < body.len());
        Self {
            content_type,
            plain: Representation::new(body),
            gzip: gzip.map(Representation::new),
        }
    }
}

impl Representation {
    fn new(body: Vec<u8>) -> Self {
        let hash = Sha1::digest(&body);
        let etag = format!("\"{}\"", BASE64URL_NOPAD.encode(&hash));
        Self { body, etag }
    }
}

fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_there_once_and_has_two_tags() {
        let mut site = Site::new(&[]);
        let mut tags = Vec::new();
        for file in web::FILES {
            let page = site.page(file.path).expect("it is in the table");
            assert!(Rc::ptr_eq(
                &page,
                &site.page(file.path).expect("it is kept")
            ));
            assert_eq!(page.plain.body, file.bytes);
            tags.push(page.plain.etag.clone());
            tags.extend(page.gzip.as_ref().map(|gzip| gzip.etag.clone()));
        }
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count);
        assert!(site.page("/nowhere").is_none() && site.page("/docs/nowhere.md").is_none());
        assert_eq!(
            site.pages.len(),
            web::FILES.len(),
            "what is not there is not kept"
        );
    }
}
