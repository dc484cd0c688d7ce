import type { FrameDevice } from '../ports.ts';
import type { CaptureHub } from './hub.ts';
import type { InterfaceId } from './interface.ts';

/**
 * The same device, with every frame recorded. The directions are those of the side that the interface stands for:
 * `pod`, its eth0 (what the agent writes comes in there); `host`, the agent's end of it.
 */
export function tapDevice(
  device: FrameDevice,
  hub: CaptureHub,
  interfaceId: InterfaceId,
  side: 'pod' | 'host' = 'pod',
): FrameDevice {
  const [written, received] =
    side === 'pod' ? (['inbound', 'outbound'] as const) : (['outbound', 'inbound'] as const);
  return {
    name: device.name,
    mac: device.mac,
    write(frame) {
      hub.record(interfaceId, written, frame);
      device.write(frame);
    },
    onFrame(receive) {
      device.onFrame((frame) => {
        hub.record(interfaceId, received, frame);
        receive(frame);
      });
    },
    close: () => device.close(),
  };
}
