//! What a file is, by its first bytes. Its name and what the browser says of it count for nothing.

/// A kind of file that people may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A photo.
    Jpeg,
    /// A picture of a screen.
    Png,
    /// A photo of newer phones.
    Webp,
    /// A document.
    Pdf,
}

impl FileKind {
    const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Pdf];

    /// Its media type, as it is stored and served.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
        }
    }

    /// The ending of its name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Pdf => "pdf",
        }
    }

    /// Whether it is a picture that a page can show.
    #[must_use]
    pub const fn is_picture(self) -> bool {
        !matches!(self, Self::Pdf)
    }

    /// The kind with this media type.
    #[must_use]
    pub fn of_media_type(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == name)
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// How large a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// Bytes.
    pub bytes: usize,
    /// Pixels of a picture: width times height.
    pub pixels: u64,
}

/// What is known of a file that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sniffed {
    /// Its kind.
    pub kind: FileKind,
    /// Width and height of a picture, pixels.
    pub size: Option<(u32, u32)>,
}

/// Why a file is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing in it.
    Empty,
    /// It is none of the kinds that are taken, or a picture whose size cannot be read.
    Kind,
    /// It has too many bytes.
    Bytes,
    /// The picture has too many pixels.
    Pixels,
}

/// What `bytes` are, if they may be kept. Pictures are not decoded: their header names the pixels.
pub fn sniff(bytes: &[u8], limits: FileLimits) -> Result<Sniffed, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    let kind = FileKind::of(bytes).ok_or(Refusal::Kind)?;
    if bytes.len() > limits.bytes {
        return Err(Refusal::Bytes);
    }
    if !kind.is_picture() {
        return Ok(Sniffed { kind, size: None });
    }
    let size = imagesize::blob_size(bytes).map_err(|_| Refusal::Kind)?;
    let side = |length: usize| u32::try_from(length).ok().filter(|side| *side > 0);
    let (width, height) = side(size.width).zip(side(size.height)).ok_or(Refusal::Kind)?;
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(Refusal::Pixels);
    }
    Ok(Sniffed { kind, size: Some((width, height)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FileLimits = FileLimits { bytes: 200, pixels: 10_000 };

    /// The beginning of a PNG of this size.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let head = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R'];
        [head.as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat()
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let picture = Sniffed { kind: FileKind::Png, size: Some((100, 50)) };
        assert_eq!(sniff(&png(100, 50), LIMITS), Ok(picture));
        assert_eq!(sniff(b"%PDF-1.7 and so on", LIMITS), Ok(Sniffed { kind: FileKind::Pdf, size: None }));
        for other in [b"<html><script>".as_slice(), b"MZ\x90", b"PK\x03\x04", b"GIF89a", b" %PDF-1.7"] {
            assert_eq!(sniff(other, LIMITS), Err(Refusal::Kind), "{other:?}");
        }
        // A picture that breaks off before it says how large it is.
        assert_eq!(sniff(&png(100, 50)[..16], LIMITS), Err(Refusal::Kind));
        assert_eq!(sniff(&[0xff, 0xd8, 0xff, 0xe0], LIMITS), Err(Refusal::Kind));
    }

    #[test]
    fn limits_hold_to_the_byte_and_to_the_pixel() {
        let pdf = |length: usize| [b"%PDF-".as_slice(), &vec![b' '; length - 5]].concat();
        assert!(sniff(&pdf(200), LIMITS).is_ok());
        assert_eq!(sniff(&pdf(201), LIMITS), Err(Refusal::Bytes));
        assert!(sniff(&png(100, 100), LIMITS).is_ok());
        assert_eq!(sniff(&png(100, 101), LIMITS), Err(Refusal::Pixels));
        // The product does not overflow.
        assert_eq!(sniff(&png(u32::MAX / 2, u32::MAX / 2), LIMITS), Err(Refusal::Pixels));
        assert_eq!(sniff(&png(0, 100), LIMITS), Err(Refusal::Kind));
        assert_eq!(sniff(b"", LIMITS), Err(Refusal::Empty));
    }

    #[test]
    fn media_types_lead_back_to_their_kinds() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::of_media_type(kind.media_type()), Some(kind));
        }
        assert_eq!(FileKind::of_media_type("text/html"), None);
    }
}
