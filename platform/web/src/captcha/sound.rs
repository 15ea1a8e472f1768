//! The code spoken: ten recordings in a row, each at a speed of its own, with pauses and some noise.

use rand::RngExt;
use rand::rngs::StdRng;

use super::{Code, between};

/// Samples a second of the recordings; a sample is one byte around 128.
const RATE: u32 = 8000;
/// Bytes before the samples of a recording.
const HEADER: usize = 44;
/// How loud the noise is beside words that reach 90.
const NOISE: f32 = 9.0;

/// The Russian words for 0 to 9 (see the README beside them).
const WORDS: [&[u8]; 10] = [
    include_bytes!("../../assets/digits/0.wav"),
    include_bytes!("../../assets/digits/1.wav"),
    include_bytes!("../../assets/digits/2.wav"),
    include_bytes!("../../assets/digits/3.wav"),
    include_bytes!("../../assets/digits/4.wav"),
    include_bytes!("../../assets/digits/5.wav"),
    include_bytes!("../../assets/digits/6.wav"),
    include_bytes!("../../assets/digits/7.wav"),
    include_bytes!("../../assets/digits/8.wav"),
    include_bytes!("../../assets/digits/9.wav"),
];

/// `code` as a WAV file.
pub(super) fn spoken(code: &Code, chance: &mut StdRng) -> Vec<u8> {
    let mut voice: Vec<f32> = Vec::new();
    pause(&mut voice, 0.5, 0.7, chance);
    for digit in code {
        let (speed, loudness) = (between(chance, 0.88, 1.06), between(chance, 0.75, 0.95));
        let word = samples(*digit);
        let end = (word.len() as f32 / speed) as usize;
        voice.extend((0..end).map(|at| at_speed(word, at as f32 * speed) * loudness));
        pause(&mut voice, 0.7, 1.0, chance);
    }
    let bytes = voice.into_iter().map(|sample| {
        let heard = sample + between(chance, -NOISE, NOISE);
        (128.0 + heard).round().clamp(0.0, 255.0) as u8
    });
    wav(bytes.collect())
}

fn pause(voice: &mut Vec<f32>, shortest: f32, longest: f32, chance: &mut StdRng) {
    let samples = (between(chance, shortest, longest) * RATE as f32) as usize;
    // A click now and then, so that silence does not mark where words begin.
    voice
        .extend((0..samples).map(|_| if chance.random::<f32>() < 0.0008 { between(chance, -45.0, 45.0) } else { 0.0 }));
}

/// The samples of a word.
fn samples(digit: u8) -> &'static [u8] {
    let file = WORDS.get(usize::from(digit)).copied().unwrap_or_default();
    let length = file.get(40..HEADER).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let samples = file.get(HEADER..).unwrap_or_default();
    samples.get(..length as usize).unwrap_or(samples)
}

/// The sample between two, around 0.
fn at_speed(word: &[u8], at: f32) -> f32 {
    let sample = |index: usize| f32::from(word.get(index).copied().unwrap_or(128)) - 128.0;
    let (index, share) = (at as usize, at.fract());
    sample(index) * (1.0 - share) + sample(index + 1) * share
}

/// A WAV file of 8-bit samples, one channel.
fn wav(samples: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(HEADER + samples.len() + 1);
    file.extend(b"RIFF");
    file.extend((36 + length + length % 2).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    // One byte a frame, eight bits a sample.
    file.extend([1, 0, 8, 0]);
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(samples);
    if length % 2 == 1 {
        file.push(0);
    }
    file
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_recordings_are_what_the_code_expects() {
        for word in WORDS {
            assert_eq!(&word[..4], b"RIFF");
            assert_eq!(&word[8..16], b"WAVEfmt ");
            assert_eq!(&word[20..36], [1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0]);
            assert_eq!(&word[36..40], b"data");
        }
        for digit in 0..10 {
            assert!((2_500..9_000).contains(&samples(digit).len()), "{digit}");
        }
    }

    #[test]
    fn six_words_take_a_calm_time() {
        let file = spoken(&[1, 2, 3, 4, 5, 6], &mut StdRng::from_seed([3; 32]));
        let declared = u32::from_le_bytes(file[4..8].try_into().expect("four bytes")) as usize;
        assert_eq!(declared + 8, file.len());
        let seconds = file.len() / RATE as usize;
        assert!((7..=12).contains(&seconds), "{seconds} s");
    }
}
