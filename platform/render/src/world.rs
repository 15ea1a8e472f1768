//! What Typst may see of the outside: one source text, the pictures of the
//! receipts' codes, four fonts and a fixed date. No files, no packages, no clock.

use std::path::PathBuf;
use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Binding, Bytes, Datetime, Duration, Module, Scope, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// Names a template cannot say, directly or through `std`: they run code, read
/// data or bring files into the PDF.
const REMOVED: [&str; 10] = ["eval", "plugin", "read", "csv", "json", "toml", "yaml", "cbor", "xml", "bibliography"];
const REMOVED_FROM_PDF: [&str; 2] = ["attach", "embed"];

static FONT_FILES: [&[u8]; 4] = [
    include_bytes!("../fonts/PTSans-Regular.ttf"),
    include_bytes!("../fonts/PTSans-Bold.ttf"),
    include_bytes!("../fonts/PTSansNarrow-Regular.ttf"),
    include_bytes!("../fonts/PTSansNarrow-Bold.ttf"),
];

/// Library, fonts and file id, made once a process.
struct Shared {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    main: Option<FileId>,
}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let fonts: Vec<Font> = FONT_FILES.into_iter().filter_map(|file| Font::new(Bytes::new(file), 0)).collect();
    Shared {
        library: LazyHash::new(restricted_library()),
        book: LazyHash::new(FontBook::from_fonts(&fonts)),
        fonts,
        main: VirtualPath::new("/main.typ").ok().map(|path| RootedPath::new(VirtualRoot::Project, path).intern()),
    }
});

/// The standard library without [`REMOVED`].
fn restricted_library() -> Library {
    let mut library = Library::builder().build();
    let mut global = without(library.global.scope(), &REMOVED);
    if let Some(Value::Module(pdf)) = global.get("pdf").map(Binding::read) {
        let pdf = Module::new("pdf", without(pdf.scope(), &REMOVED_FROM_PDF));
        global.bind("pdf".into(), Binding::detached(pdf));
    }
    let global = Module::new("global", global);
    library.std = Binding::detached(global.clone());
    library.global = global;
    library
}

fn without(scope: &Scope, removed: &[&str]) -> Scope {
    let mut kept = Scope::deduplicating();
    for (name, binding) in scope.iter() {
        if !removed.contains(&name.as_str()) {
            kept.bind(name.clone(), binding.clone());
        }
    }
    kept
}

/// The codes of one receipt as SVG.
#[derive(Default)]
pub(crate) struct Pictures {
    /// The payment QR.
    pub(crate) payment: Option<Bytes>,
    /// The QR that leads to the portal's linking page.
    pub(crate) linking: Option<Bytes>,
}

/// The world of one document.
pub(crate) struct ReceiptWorld {
    source: Source,
    pictures: Vec<Pictures>,
    today: Option<Datetime>,
}

impl ReceiptWorld {
    /// A world around `text`; `pictures[i]` are the codes of receipt `i`, and
    /// `today` what `datetime.today()` says, yyyymmdd. `None` if Typst refuses
    /// its own file name, which does not happen.
    pub(crate) fn new(text: String, pictures: Vec<Pictures>, today: u32) -> Option<Self> {
        Some(Self { source: Source::new(SHARED.main?, text), pictures, today: calendar_day(today) })
    }

    /// The picture at `/qr/<index>.svg` or `/link/<index>.svg`.
    fn picture(&self, name: &str) -> Option<Bytes> {
        let (folder, file) = name.strip_prefix('/')?.split_once('/')?;
        let pictures = self.pictures.get(file.strip_suffix(".svg")?.parse::<usize>().ok()?)?;
        match folder {
            "qr" => pictures.payment.clone(),
            "link" => pictures.linking.clone(),
            _ => None,
        }
    }

    /// The fixed date of this world.
    pub(crate) fn date(&self) -> Option<Datetime> {
        self.today
    }
}

fn calendar_day(day: u32) -> Option<Datetime> {
    let year = i32::try_from(day / 10_000).ok()?;
    let month = u8::try_from(day / 100 % 100).ok()?;
    Datetime::from_ymd(year, month, u8::try_from(day % 100).ok()?)
}

impl World for ReceiptWorld {
    fn library(&self) -> &LazyHash<Library> {
        &SHARED.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &SHARED.book
    }

    fn main(&self) -> FileId {
        self.source.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.source.id() { Ok(self.source.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.get();
        if !matches!(path.root(), VirtualRoot::Project) {
            return Err(FileError::AccessDenied);
        }
        let name = path.vpath().get_with_slash();
        self.picture(name).ok_or_else(|| FileError::NotFound(PathBuf::from(name)))
    }

    fn font(&self, index: usize) -> Option<Font> {
        SHARED.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        self.today
    }
}
