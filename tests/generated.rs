//! A module that `ocelli-build` made is all that an application needs beside `ocelli`.

use ocelli::{Aligned, Artefact, Camera, Frame, Infer, PixelFormat, Plan, Region, SourceRow};

mod quadrant {
    include!(concat!(env!("OUT_DIR"), "/quadrant.rs"));
}

mod landmarks {
    include!(concat!(env!("OUT_DIR"), "/landmarks.rs"));
}

mod mask {
    include!(concat!(env!("OUT_DIR"), "/mask.rs"));
}

mod spots {
    include!(concat!(env!("OUT_DIR"), "/spots.rs"));
}

mod embedding {
    include!(concat!(env!("OUT_DIR"), "/embedding.rs"));
}

mod numbers {
    include!(concat!(env!("OUT_DIR"), "/numbers.rs"));
}

mod detector {
    include!(concat!(env!("OUT_DIR"), "/sample_detector.rs"));
}

mod classifier {
    include!(concat!(env!("OUT_DIR"), "/sample_classifier.rs"));
}

mod striped {
    include!(concat!(env!("OUT_DIR"), "/sample_striped.rs"));
}

/// A camera that has one frame, then none.
struct OneFrame(Option<Vec<u8>>, Vec<u8>);

impl Camera for OneFrame {
    type Error = ocelli::FrameError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, Self::Error> {
        self.1 = self.0.take().ok_or(nb::Error::WouldBlock)?;
        Ok(Frame::new(&self.1, 4, 4, PixelFormat::Gray8)?)
    }
}

#[test]
fn a_frame_goes_through_all_stages() {
    let artefact = Artefact::parse_built(quadrant::ARTEFACT, quadrant::CHECKSUM).unwrap();
    let mut arena = Aligned([0; quadrant::ARENA_BYTES]);
    let mut scratch = [0; quadrant::PREPROCESS_WORDS];
    let mut model = Plan::new(&artefact, quadrant::PROFILE, quadrant::OPERATORS, &mut arena.0).unwrap();
    model.self_test().unwrap();
    let mut pipeline = quadrant::Classifier::<_, 2>::new(artefact, model, &mut scratch).unwrap();

    #[rustfmt::skip]
    let pixels = vec![
        10, 10,  90, 90,
        10, 10,  90, 90,
        50, 50, 255, 55,
        50, 50,  55, 55,
    ];
    let mut camera = OneFrame(Some(pixels), vec![]);
    let best = pipeline.next(&mut camera).unwrap().to_vec();
    let classes: Vec<_> = best.iter().map(|class| quadrant::Class::from_index(class.class_index)).collect();
    assert_eq!(classes, [Some(quadrant::Class::BottomRight), Some(quadrant::Class::TopRight)]);
    assert_eq!(quadrant::Class::BottomRight.label(), "bottom right");
    assert!(matches!(pipeline.next(&mut camera), Err(nb::Error::WouldBlock)));
}

/// Runs a module's pipeline on a frame of four pixels, and says something of the answer.
macro_rules! answer {
    ($module:ident::$pipeline:ident, $pixels:expr, $read:expr) => {{
        let artefact = Artefact::parse($module::ARTEFACT).unwrap();
        let mut arena = Aligned([0; $module::ARENA_BYTES]);
        let mut scratch = [0; $module::PREPROCESS_WORDS];
        let model = Plan::new(&artefact, $module::PROFILE, $module::OPERATORS, &mut arena.0).unwrap();
        let mut pipeline = $module::$pipeline::new(artefact, model, &mut scratch).unwrap();
        $read(pipeline.run(&Frame::new(&$pixels, 2, 2, PixelFormat::Gray8).unwrap()))
    }};
}

#[test]
fn every_contract_has_a_pipeline_of_its_own() {
    let pixels = [0, 128, 192, 255];
    answer!(landmarks::Landmarks, pixels, |points: ocelli::Points<'_>| {
        // Two pixels of 256 sub-pixels each.
        let found: Vec<[i32; 2]> = points.iter().map(|point| [point.x, point.y]).collect();
        assert_eq!(found, [[0, 256], [384, 510]]);
        assert_eq!(landmarks::Landmark::Second.label(), "second");
    });
    answer!(mask::Segmenter, pixels, |mask: ocelli::Mask<'_, '_>| {
        let shown = [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[row, column]| mask.cell(row, column).is_some());
        assert_eq!(shown, [false, true, true, true]);
        assert_eq!(mask::Class::ALL.map(mask::Class::label), ["bright"]);
    });
    answer!(spots::Spotter, [255, 0, 0, 0], |spots: &ocelli::Detections<{ spots::DETECTIONS }, 0>| {
        let bounds = &spots.found[0].bounds;
        assert_eq!((spots.found.len(), bounds.right, bounds.bottom), (1, 256, 256));
    });
    answer!(embedding::Embedder, [0, 3, 0, 4], |embedding: ocelli::Embedding<'_>| {
        let unit: Vec<i16> = embedding.unit().collect();
        assert_eq!(unit, [0, 19_661, 0, 26_214]);
    });
    answer!(numbers::Reader, pixels, |numbers: ocelli::Numbers<'_, '_>| {
        assert_eq!((numbers.get(0), numbers.get(1), numbers.get(2)), (Some(0), Some(128 << 14), None));
    });
}

#[test]
fn a_detector_has_room_for_what_its_module_says() {
    let artefact = Artefact::parse_built(detector::ARTEFACT, detector::CHECKSUM).unwrap();
    let mut arena = Aligned([0; detector::ARENA_BYTES]);
    let mut scratch = [0; detector::PREPROCESS_WORDS];
    let model = Plan::new(&artefact, detector::PROFILE, detector::OPERATORS, &mut arena.0).unwrap();
    let mut pipeline = detector::Detector::new(artefact, model, &mut scratch).unwrap();
    let (mut seen, mut lost) = (0, 0);
    for seed in 1..20 {
        let noise = ocelli_format::SeedStream::new(seed, 0);
        let pixels: Vec<u8> = noise.take(32 * 32).map(|value| (value as u8).wrapping_add(128)).collect();
        let found = pipeline.run(&Frame::new(&pixels, 32, 32, PixelFormat::Gray8).unwrap());
        assert!(found.found.len() <= detector::DETECTIONS);
        for detection in &found.found {
            assert_eq!(detector::Class::from_index(detection.class_index), Some(detector::Class::Thing));
            assert_eq!(detection.keypoints.len(), detector::Keypoint::ALL.len());
            seen += 1;
        }
        lost += found.overflowed_detections;
    }
    assert!(seen > 0 && lost > 0, "the sample sees {seen} things in noise, {lost} find no room");
}

#[test]
fn rows_pushed_one_by_one_give_the_answer_of_the_whole_frame() {
    let artefact = Artefact::parse(detector::ARTEFACT).unwrap();
    let mut arena = Aligned([0; detector::ARENA_BYTES]);
    let mut scratch = [0; detector::PREPROCESS_WORDS];
    let model = Plan::new(&artefact, detector::PROFILE, detector::OPERATORS, &mut arena.0).unwrap();
    let mut pipeline = detector::Detector::new(artefact, model, &mut scratch).unwrap();
    for (width, height) in [(640, 480), (33, 50), (32, 32), (5, 90)] {
        let mut pixels = vec![0; width * height];
        let noise = ocelli_format::SeedStream::new(1, 0);
        pixels.iter_mut().zip(noise).for_each(|(pixel, byte)| *pixel = byte as u8);
        let frame = Frame::new(&pixels, width, height, PixelFormat::Gray8).unwrap();
        let whole = pipeline.run(&frame).clone();
        let scores = pipeline.model().output(0).unwrap().to_vec();

        let mut rows = pipeline.start_frame(width, height, None).unwrap();
        for (y, row) in pixels.chunks(width).enumerate() {
            assert!(!rows.is_complete(), "{y}");
            let short = rows.push(SourceRow::Gray8(&row[1..])).unwrap_err();
            assert!(matches!(short, ocelli::PreprocessError::Row { .. }), "{short}");
            rows.push(SourceRow::Gray8(row)).unwrap();
        }
        assert!(rows.is_complete());
        pipeline.infer();
        assert_eq!(*pipeline.postprocess(), whole, "{width}x{height}");
        assert_eq!(pipeline.model().output(0).unwrap(), scores, "{width}x{height}");
    }
    let outside = Region { x: 0, y: 0, width: 11, height: 10 };
    let refused = pipeline.start_frame(10, 10, Some(outside)).unwrap_err();
    assert!(matches!(refused, ocelli::PreprocessError::Region { .. }), "{refused}");
}

#[test]
fn a_streamed_input_sees_what_a_whole_one_sees() {
    let whole = Artefact::parse(classifier::ARTEFACT).unwrap();
    let streamed = Artefact::parse(striped::ARTEFACT).unwrap();
    assert_eq!(classifier::ANSWER_ID, striped::ANSWER_ID);
    let mut arena = Aligned([0; classifier::ARENA_BYTES]);
    let mut scratch = [0; classifier::PREPROCESS_WORDS];
    let model = Plan::new(&whole, classifier::PROFILE, classifier::OPERATORS, &mut arena.0).unwrap();
    let mut whole = classifier::Classifier::<_, 5>::new(whole, model, &mut scratch).unwrap();
    let mut arena = Aligned([0; striped::ARENA_BYTES]);
    let mut scratch = [0; striped::PREPROCESS_WORDS];
    let model = Plan::new(&streamed, striped::PROFILE, striped::OPERATORS, &mut arena.0).unwrap();
    let mut streamed = striped::Classifier::<_, 5>::new(streamed, model, &mut scratch).unwrap();
    for (width, height) in [(64, 48), (33, 50), (24, 20), (5, 90)] {
        let mut pixels = vec![0; 3 * width * height];
        let noise = ocelli_format::SeedStream::new(width as u32, 0);
        pixels.iter_mut().zip(noise).for_each(|(pixel, byte)| *pixel = byte as u8);
        let frame = Frame::new(&pixels, width, height, PixelFormat::Rgb888).unwrap();
        let seen = whole.run(&frame).to_vec();
        assert_eq!(streamed.run(&frame).to_vec(), seen, "{width}x{height}");

        // A frame that is given up on, then the same from a camera that delivers lines.
        let lines = || pixels.chunks(3 * width).map(SourceRow::Rgb888);
        let mut rows = streamed.start_frame(width, height, None).unwrap();
        lines().take(height / 2).for_each(|line| rows.push(line).unwrap());
        let mut rows = streamed.start_frame(width, height, None).unwrap();
        lines().for_each(|line| rows.push(line).unwrap());
        assert!(rows.is_complete());
        streamed.infer();
        assert_eq!(streamed.postprocess().to_vec(), seen, "{width}x{height}");
    }
}

#[test]
fn names_and_sizes_are_the_artefact_s() {
    assert_eq!((quadrant::NAME, quadrant::VERSION), ("brightest quadrant", "1"));
    assert_eq!(quadrant::Input::Image0.index(), 0);
    assert_eq!(quadrant::Input::Image0.shape(), [1, 2, 2, 1]);
    assert_eq!(quadrant::Output::Score.bytes(), 4);
    assert_eq!(quadrant::Class::ALL.len(), 4);
    assert_eq!(quadrant::Class::from_index(4u16), None);
    let artefact = Artefact::parse(quadrant::ARTEFACT).unwrap();
    assert_eq!(artefact.answer_id(), quadrant::ANSWER_ID);
}

#[test]
fn what_does_not_fit_is_refused_before_the_first_frame() {
    let artefact = Artefact::parse(quadrant::ARTEFACT).unwrap();
    let mut arena = Aligned([0; quadrant::ARENA_BYTES]);
    let short = quadrant::ARENA_BYTES - 1;
    let error = Plan::new(&artefact, "portable", quadrant::OPERATORS, &mut arena.0[..short]).unwrap_err();
    assert!(matches!(error, ocelli::PlanError::ArenaTooSmall { .. }), "{error}");
    let error = Plan::new(&artefact, "portable", ocelli::ops![Conv2d], &mut arena.0).unwrap_err();
    assert!(matches!(error, ocelli::PlanError::MissingOperator { .. }), "{error}");

    let mut scratch = [0; quadrant::PREPROCESS_WORDS - 1];
    let plan = Plan::new(&artefact, "portable", quadrant::OPERATORS, &mut arena.0).unwrap();
    let error = quadrant::Classifier::<_, 1>::new(artefact, plan, &mut scratch).unwrap_err();
    assert!(matches!(error, ocelli::PipelineError::Preprocess(_)), "{error}");
    let mut scratch = [0; quadrant::PREPROCESS_WORDS];
    let plan = Plan::new(&artefact, "portable", quadrant::OPERATORS, &mut arena.0).unwrap();
    let error = ocelli::Detector::<_, 1, 1, 1>::new(artefact, plan, &mut scratch).unwrap_err();
    assert_eq!(error, ocelli::PipelineError::OutcomeKind);

    #[derive(Debug)]
    struct Foreign([i8; 3]);
    impl Infer for Foreign {
        fn infer(&mut self) {}
        fn input(&mut self, index: usize) -> Option<&mut [i8]> {
            (index == 0).then_some(&mut self.0)
        }
        fn output(&self, _index: usize) -> Option<&[i8]> {
            None
        }
    }
    let error = quadrant::Classifier::<_, 1>::new(artefact, Foreign([0; 3]), &mut scratch).unwrap_err();
    assert!(
        matches!(error, ocelli::PipelineError::Input { needed_elements: 4, available_elements: 3, .. }),
        "{error}"
    );
}
