//! Finding out which sensor is there.

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::i2c::Transaction;
use ocelli_core::Sensor;
use ocelli_sensors::{AnySensor, SensorError};

use super::{HELD, QVGA_YUYV, check_refusal, play};

const SILENCE: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

/// The first transfer to each sensor, which is not there.
fn absent() -> [Transaction; 4] {
    [
        Transaction::write_read(0x24, vec![0, 0], vec![0]),
        Transaction::write(0x21, vec![0x0A]),
        Transaction::write(0x30, vec![0xFF, 0x01]),
        Transaction::write_read(0x3C, vec![0x30, 0x0A], vec![0]),
    ]
    .map(|transaction| transaction.with_error(SILENCE))
}

pub fn check_all() {
    let present = [
        Transaction::write(0x21, vec![0x0A]),
        Transaction::read(0x21, vec![0x76]),
        Transaction::write(0x21, vec![0x0B]),
        Transaction::read(0x21, vec![0x73]),
    ];
    let script = [&absent()[..1], &present, &present].concat();
    check_found(&script);
    let nothing = SensorError::NotDetected { expected_id: 0x5640, found_id: 0 };
    check_refusal("nothing there", &absent(), nothing, |bus, delay| {
        AnySensor::detect(bus, delay).map(|_| ())
    });
    let mut held = absent()[..2].to_vec();
    held[1] = held[1].clone().with_error(HELD);
    check_refusal("bus held", &held, SensorError::Bus(HELD), |bus, delay| {
        AnySensor::detect(bus, delay).map(|_| ())
    });
}

/// From the first question on to the sensor that was found, which then answers for itself.
fn check_found(script: &[Transaction]) {
    let found = play(script, |bus, delay| {
        let mut sensor = AnySensor::detect(bus, delay)?;
        assert!(matches!(sensor, AnySensor::Ov7670(_)));
        assert_eq!((sensor.gray_source(), sensor.surplus_rows()), (QVGA_YUYV, 0));
        sensor.probe()
    });
    assert_eq!(found, Ok(0x7673));
}
