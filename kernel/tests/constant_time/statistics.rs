//! Whether the time that a backend takes says something about its inputs: Welch's t-test between two classes of them, in turns that nobody
//! can foresee (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?", 2017). A measurement, for a machine that is idle.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Instant;

use dbseal_kernel::{Backend, Key};

use crate::xorshift::Xorshift;

/// Texts that are timed, for each question.
const COUNT: usize = 400_000;
/// A stride, and what is left when whole vectors were taken.
const TEXT_LEN: usize = 4096 + 600;
/// From here on, the authors call it a leak beyond doubt.
const T_BOUND: f64 = 10.0;
/// The slowest are left out, in so many ways: interrupts are among them.
const CROPS: usize = 20;

#[test]
#[ignore = "not run here: long tier (1 minute)"]
fn times_say_nothing_about_inputs() {
    // What must be found is: a comparison that ends at the first difference.
    let control = largest_t(|random, class| {
        let mut bytes = vec![0; 64];
        random.fill(&mut bytes);
        let mut other = bytes.clone();
        other[63 * class] ^= 1;
        move || {
            black_box(bytes.iter().zip(&other).position(|(left, right)| black_box(left) != right));
        }
    });
    assert!(control > T_BOUND, "t = {control:.1} where there is a leak");
    for backend in Backend::all() {
        // A key and text of zeros, and any; made so that the memory has seen the same of both.
        let seal = largest_t(|random, class| {
            let (mut bytes, mut text) = ([0; 32], vec![0; TEXT_LEN]);
            random.fill(&mut bytes);
            random.fill(&mut text);
            let mask = [0, 0xff][class];
            bytes.iter_mut().chain(&mut text).for_each(|byte| *byte &= black_box(mask));
            move || {
                let tag = Key::new(&bytes, backend).seal(&[1; 12], text.as_mut_slice().into());
                black_box((&text, tag));
            }
        });
        // A tag whose first byte is wrong, and one whose last is.
        let refuse = largest_t(|random, class| {
            let mut text = vec![0; 600];
            random.fill(&mut text);
            let key = Key::new(&[0x3f; 32], backend);
            let mut tag = key.seal(&[1; 12], text.as_mut_slice().into());
            tag[15 * class] ^= 1;
            move || {
                let _ = black_box(key.open(&[1; 12], text.as_mut_slice().into(), &tag));
            }
        });
        writeln!(std::io::stderr(), "{}: t = {seal:.1} sealing, {refuse:.1} refusing", backend.name()).expect("stderr");
        assert!(seal < T_BOUND && refuse < T_BOUND, "{} takes longer for some inputs", backend.name());
    }
}

/// The largest t between the classes 0 and 1 of what is prepared, over all crops, without its sign.
fn largest_t<F: FnMut()>(prepare: impl Fn(&mut Xorshift, usize) -> F) -> f64 {
    let mut random = Xorshift(0x0123_4567_89ab_cdef);
    let mut times = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        let class = random.below(2);
        let mut work = prepare(&mut random, class);
        let started = Instant::now();
        work();
        times.push((class, started.elapsed().as_nanos() as f64));
    }
    let mut sorted: Vec<f64> = times.iter().map(|&(_, time)| time).collect();
    sorted.sort_by(f64::total_cmp);
    let crops = (1..=CROPS).map(|crop| sorted[(COUNT - 1) * crop / CROPS]);
    crops.map(|longest| t(times.iter().filter(|&&(_, time)| time <= longest)).abs()).fold(0.0, f64::max)
}

fn t<'a>(times: impl Iterator<Item = &'a (usize, f64)>) -> f64 {
    // Of each class: how many, their mean, and the squares of what they are away from it, summed up (Welford).
    let mut classes = [(0.0, 0.0, 0.0); 2];
    for &(class, time) in times {
        let (count, mean, squares) = &mut classes[class];
        *count += 1.0;
        let away = time - *mean;
        *mean += away / *count;
        *squares += away * (time - *mean);
    }
    let [first, second] = classes;
    let spread = |(count, _, squares): (f64, f64, f64)| squares / (count - 1.0) / count;
    (first.1 - second.1) / (spread(first) + spread(second)).sqrt().max(f64::MIN_POSITIVE)
}
