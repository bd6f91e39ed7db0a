//! Firmware that runs `camera-check` and `detect` over the simulated camera, whose interrupt fires all the while.
//!
//! It takes the model out of the job, whose seed says how many frames `detect` sees, and looks at every frame before and
//! after the stages had it: none may be torn, and none neither delivered nor counted.
#![cfg_attr(target_os = "none", no_std, no_main)]
#![cfg_attr(target_os = "none", allow(unsafe_code))]

#[cfg(target_os = "none")]
mod firmware {
    use core::fmt;
    use core::panic::PanicInfo;
    use core::slice;

    use cortex_m_rt::{ExceptionFrame, entry, exception};
    use ocelli::{
        Aligned, Camera, CaptureCounts, CaptureError, Frame, FrameBuffer, FrameRing, FrameStamp, Grabbing,
        Loan, RingCamera, RingLoan, operators,
    };
    use ocelli_boards::detect::{self, Model};
    use ocelli_boards::{Board, Port, TestPattern, camera_check};
    use ocelli_qemu::job::{Input, Job};
    use ocelli_qemu::session::SCRATCH_WORDS;
    use ocelli_qemu::simulated_camera::{self, FORMAT, SimulatedSensor, Tally, pixel};
    use ocelli_qemu::{console, fact, machine};

    /// Frames that `camera-check` sees.
    const CHECKED_FRAMES: u32 = 50;

    #[entry]
    fn main() -> ! {
        // The entry attribute makes these references that exist once.
        static mut ARENA: Aligned<[u8; machine::ARENA_BYTES]> = Aligned([0; machine::ARENA_BYTES]);
        static mut SCRATCH: [u32; SCRATCH_WORDS] = [0; SCRATCH_WORDS];
        static mut BUFFERS: [FrameBuffer<{ FORMAT.bytes() }>; 2] = [FrameBuffer::new(); 2];
        static mut RING: Option<FrameRing<2>> = None;

        // SAFETY: RAM of this machine, per board.toml, that only QEMU's loader writes, before the start.
        let memory = unsafe { slice::from_raw_parts(machine::JOB_ADDRESS as *const u8, machine::JOB_BYTES) };
        let job = Job::read(memory).unwrap_or_else(|error| console::fail(format_args!("{error}")));
        let Input::Seed { seed: frames, .. } = job.input else {
            console::fail(format_args!("the job has no seed"));
        };
        let buffers = BUFFERS.each_mut().map(FrameBuffer::as_mut_slice);
        let ring = FrameRing::new(FORMAT, Grabbing::Latest, buffers);
        let ring = RING.insert(ring.unwrap_or_else(|error| console::fail(format_args!("{error}"))));
        let (writer, reader) = ring.split();
        let timer = cortex_m::Peripherals::take().map(|peripherals| peripherals.SYST);
        let mut timer = simulated_camera::start(writer, timer.unwrap_or_else(|| console::exit(false)));

        let watch = Watch { camera: RingCamera::new(reader), seen: Seen::default() };
        let mut board = SimulatedBoard { watch, sensor: SimulatedSensor, answers: 0 };
        fact!("machine {}", machine::NAME);
        let findings = camera_check::run(&mut board, CHECKED_FRAMES);
        if !findings.is_ok_and(|findings| findings.test_pattern == TestPattern::Bars) {
            console::fail(format_args!("camera-check found {findings:?}"));
        }
        let model = Model { artefact: job.artefact, profile: "portable", operators: operators::ALL };
        let goes_on = |_: &mut SimulatedBoard, seen| seen < frames;
        if let Err(error) = detect::run(&mut board, &model, &mut ARENA.0, SCRATCH, goes_on) {
            console::fail(format_args!("{error}"));
        }
        timer.disable_counter();
        board.drain();
        let (tally, is_filling) = simulated_camera::tally();
        let counts = board.watch.camera.counts();
        tell(&board, &tally, &counts);
        if let Some(fault) = compare(&board, frames, &tally, &counts, is_filling) {
            console::fail(format_args!("{fault}: {tally:?} {counts:?}"));
        }
        fact!("done");
        console::exit(true)
    }

    /// The first thing that is not as it has to be.
    fn compare(
        board: &SimulatedBoard,
        frames: u32,
        tally: &Tally,
        counts: &CaptureCounts,
        is_filling: bool,
    ) -> Option<&'static str> {
        let seen = &board.watch.seen;
        let lost = tally.truncated + tally.overrun + tally.bus + tally.timeout - tally.idle_timeout;
        // The frames that nobody saw, except those that failed: known without the ring.
        let dropped = tally.begun - seen.frames - lost - u32::from(is_filling);
        let checks = [
            (seen.torn == 0, "a frame was torn"),
            (seen.disordered == 0, "a frame came twice or late"),
            (counts.delivered == seen.frames, "delivered frames are miscounted"),
            (counts.truncated == tally.truncated, "truncated frames are miscounted"),
            (counts.overrun == tally.overrun, "overruns are miscounted"),
            (counts.bus == tally.bus, "bus errors are miscounted"),
            (counts.timeout == tally.timeout, "timeouts are miscounted"),
            (counts.dropped == dropped, "drops are miscounted"),
            (counts.dropped > 0, "nothing was dropped, so nothing is shown"),
            (board.answers == frames, "the model did not answer every frame"),
            (seen.busy_ticks > frames, "the interrupt does not fire while the model runs"),
        ];
        checks.into_iter().find(|check| !check.0).map(|check| check.1)
    }

    fn tell(board: &SimulatedBoard, tally: &Tally, counts: &CaptureCounts) {
        let Seen { frames, torn, busy_ticks, .. } = board.watch.seen;
        fact!("begun {}", tally.begun);
        fact!("delivered {frames}");
        fact!("torn {torn}");
        fact!("dropped {}", counts.dropped);
        fact!("truncated {}", counts.truncated);
        fact!("overrun {}", counts.overrun);
        fact!("bus {}", counts.bus);
        fact!("timeout {}", counts.timeout);
        fact!("interrupts_during_inference {busy_ticks}");
    }

    struct SimulatedBoard {
        watch: Watch,
        sensor: SimulatedSensor,
        /// Lines that say what a frame shows.
        answers: u32,
    }

    impl SimulatedBoard {
        /// Reads what waits in the ring.
        fn drain(&mut self) {
            while !matches!(self.watch.read_frame(), Err(nb::Error::WouldBlock)) {}
        }
    }

    /// Nobody pushes anything here.
    impl Port for SimulatedBoard {
        fn now_us(&self) -> u64 {
            simulated_camera::now_us()
        }

        fn feed_watchdog(&mut self) {}

        fn receive(&mut self) -> Option<u8> {
            None
        }

        fn send(&mut self, _: &[u8]) {}
    }

    impl Board for SimulatedBoard {
        type Camera = Watch;
        type Sensor = SimulatedSensor;

        fn camera(&mut self) -> &mut Watch {
            &mut self.watch
        }

        fn sensor(&mut self) -> &mut SimulatedSensor {
            &mut self.sensor
        }

        fn set_led(&mut self, _: bool) {}

        /// Counts answers instead of printing each of them.
        fn line(&mut self, text: fmt::Arguments<'_>) {
            let mut first = FirstLetter(None);
            // Writing there does not fail.
            let _ = fmt::write(&mut first, text);
            match first.0 {
                Some('c') => self.answers += 1,
                Some('e') => {}
                _ => console::line(text),
            }
        }
    }

    struct FirstLetter(Option<char>);

    impl fmt::Write for FirstLetter {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.or(text.chars().next());
            Ok(())
        }
    }

    /// The camera, with a look at every frame when it is lent and when it goes back.
    struct Watch {
        camera: RingCamera<'static, 2>,
        seen: Seen,
    }

    #[derive(Default)]
    struct Seen {
        frames: u32,
        torn: u32,
        disordered: u32,
        /// The number that the next frame has at least.
        next_number: u32,
        /// When the last frame went back.
        returned: Option<u32>,
        /// Interrupts from then to the next look for a frame.
        busy_ticks: u32,
    }

    impl Camera for Watch {
        type Error = CaptureError;
        type Loan<'a> = Watched<'a>;

        fn read_frame(&mut self) -> nb::Result<Watched<'_>, CaptureError> {
            if let Some(returned) = self.seen.returned.take() {
                self.seen.busy_ticks += simulated_camera::ticks() - returned;
            }
            let loan = self.camera.read_frame()?;
            let number = loan.stamp().unwrap_or_default().number;
            self.seen.frames += 1;
            self.seen.disordered += u32::from(number < self.seen.next_number);
            self.seen.next_number = number + 1;
            let mut watched = Watched { loan, seen: &mut self.seen };
            watched.look();
            Ok(watched)
        }

        fn counts(&self) -> CaptureCounts {
            self.camera.counts()
        }
    }

    struct Watched<'a> {
        loan: RingLoan<'a, 'static, 2>,
        seen: &'a mut Seen,
    }

    impl Watched<'_> {
        fn look(&mut self) {
            let FrameStamp { number, .. } = self.loan.stamp().unwrap_or_default();
            let width = FORMAT.width.into();
            let is_whole = |is_bars: bool| {
                let mut rows = self.loan.frame().bytes().chunks_exact(width).zip(0..);
                rows.all(|(row, y)| {
                    row.iter().zip(0..).all(|(&byte, x)| byte == pixel(number, x, y, is_bars))
                })
            };
            self.seen.torn += u32::from(!is_whole(false) && !is_whole(true));
        }
    }

    impl Loan for Watched<'_> {
        fn frame(&self) -> Frame<'_> {
            self.loan.frame()
        }

        fn stamp(&self) -> Option<FrameStamp> {
            self.loan.stamp()
        }
    }

    impl Drop for Watched<'_> {
        fn drop(&mut self) {
            self.look();
            self.seen.returned = Some(simulated_camera::ticks());
        }
    }

    #[panic_handler]
    fn panic(info: &PanicInfo<'_>) -> ! {
        console::fail(format_args!("{info}"))
    }

    #[exception]
    unsafe fn HardFault(_: &ExceptionFrame) -> ! {
        console::fail(format_args!("hard fault"))
    }
}

/// On the host there is nothing to run.
#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is firmware for QEMU's Arm machines. Run it with `cargo xtask qemu`.");
    std::process::exit(2);
}
