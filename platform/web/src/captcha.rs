//! The captcha: a code in a picture, and the same code spoken, both without scripts.
//!
//! The token in the form carries the code and its expiry, encrypted for one company; nothing is stored
//! until the answer comes, and then only that this token was used.

mod picture;
mod sound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::{SealKey, Tenant};
use poem::http::header;
use poem::web::{Path, StaticFileRequest};
use poem::{IntoResponse, Request, Response, handler};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::page::FieldError;
use crate::person::{Guest, tenant_of};
use crate::platform::Platform;
use crate::problem::Problem;

/// How long a code may be answered, in seconds.
const LIFETIME: i64 = 600;
/// Digits of a code.
const DIGITS: usize = 6;
/// A token answers once, right or wrong.
const ONCE: Limit = Limit { most: 1, seconds: LIFETIME + 60 };

/// What a form with a code shows: for the context of a page, under the name `captcha`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Captcha {
    /// The value of the hidden field `captcha_token`.
    pub token: String,
    /// The address of the picture.
    pub image: String,
    /// The address of the spoken code.
    pub sound: String,
}

/// The digits of a code, first to last.
type Code = [u8; DIGITS];

impl Guest {
    /// A fresh code for a form of this company.
    #[must_use]
    pub fn captcha(&self) -> Captcha {
        let platform = self.platform();
        let random: [u8; 8] = platform.db.entropy().bytes();
        let number = u64::from_le_bytes(random) % 10_u64.pow(DIGITS as u32);
        let expires = platform.db.clock().now().plus_seconds(LIFETIME).0;
        let plain = [number.to_le_bytes(), expires.to_le_bytes()].concat();
        let sealed = key(platform).seal(platform.db.entropy(), &place(self.tenant()), &plain);
        let token = URL_SAFE_NO_PAD.encode(sealed);
        Captcha { image: format!("/captcha/{token}.png"), sound: format!("/captcha/{token}.wav"), token }
    }

    /// What is wrong with `answer` to the captcha of `token`, which this uses up: an error of the field `captcha`, or
    /// nothing.
    pub async fn captcha_error(&self, token: &str, answer: &str) -> Result<Option<FieldError>, Problem> {
        let wrong = || FieldError::new("captcha", "Код с картинки введён неверно: введите цифры с новой картинки");
        Ok((!self.captcha_fits(token, answer).await?).then(wrong))
    }

    /// Whether `answer` is the code of `token`. The answer that a demo configures fits always.
    async fn captcha_fits(&self, token: &str, answer: &str) -> Result<bool, Problem> {
        let platform = self.platform();
        let answer: String = answer.chars().filter(|c| !c.is_whitespace()).collect();
        let fixed = &platform.config.captcha_answer;
        if !fixed.is_empty() && answer == *fixed {
            return Ok(true);
        }
        let Some((code, expires)) = open(platform, self.tenant(), token) else { return Ok(false) };
        if platform.db.clock().now().0 >= expires {
            return Ok(false);
        }
        let used = format!("captcha:{}", hex::encode(Sha256::digest(token.as_bytes())));
        if limits::hit(&platform.db, &used, ONCE).await? != Verdict::Allowed {
            return Ok(false);
        }
        Ok(answer.chars().map(|digit| digit.to_digit(10)).eq(code.iter().map(|digit| Some(u32::from(*digit)))))
    }
}

/// `/captcha/<token>.png` and `/captcha/<token>.wav`: the same at every call.
#[handler]
pub(crate) fn file(Path(name): Path<String>, part: StaticFileRequest, request: &Request) -> Result<Response, Problem> {
    let (platform, tenant) = (Platform::of(request), tenant_of(request)?);
    let (token, kind) = name.rsplit_once('.').ok_or_else(Problem::not_found)?;
    let (code, _) = open(platform, &tenant, token).ok_or_else(Problem::not_found)?;
    let mut chance = StdRng::from_seed(platform.key.derived(&format!("captcha drawing {token}")));
    let (content, content_type) = match kind {
        "png" => (picture::drawn(&code, &mut chance).map_err(|error| Problem::fault(&error))?, "image/png"),
        "wav" => (sound::spoken(&code, &mut chance), "audio/wav"),
        _ => return Err(Problem::not_found()),
    };
    // Players ask for parts of a sound; some play nothing without.
    let mut response = match part.create_response_from_data(content) {
        Ok(response) => response.with_content_type(content_type).into_response(),
        Err(error) => return Ok(poem::Error::from(error).into_response()),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("private, max-age=600"));
    Ok(response)
}

fn key(platform: &Platform) -> SealKey {
    SealKey::new(platform.key.derived("captcha token"))
}

/// What a token is bound to.
fn place(tenant: &Tenant) -> Vec<u8> {
    [b"captcha".as_slice(), tenant.id.0.as_bytes()].concat()
}

/// The code in a token of this company, with its expiry.
fn open(platform: &Platform, tenant: &Tenant, token: &str) -> Option<(Code, i64)> {
    let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
    let plain = key(platform).open(&place(tenant), &sealed)?;
    let (number, expires) = plain.split_first_chunk::<8>()?;
    let (mut number, expires) = (u64::from_le_bytes(*number), i64::from_le_bytes(expires.try_into().ok()?));
    let mut code = [0; DIGITS];
    for digit in code.iter_mut().rev() {
        *digit = u8::try_from(number % 10).ok()?;
        number /= 10;
    }
    Some((code, expires))
}

/// A number between two.
fn between(chance: &mut StdRng, low: f32, high: f32) -> f32 {
    low + (high - low) * chance.random::<f32>()
}
