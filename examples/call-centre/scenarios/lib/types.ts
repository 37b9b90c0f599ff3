// What the telephony sends.
export interface CallMessage {
  event: "ringing" | "answered" | "missed" | "ended" | "dialled";
  /** The call, as the telephony names it. */
  call: string;
  /** The other side's number, +420... */
  phone: string;
  /** The agent's line, once there is one. */
  agent?: string;
}

// A contact of the CRM.
export interface Contact {
  id: number;
  phone: string;
  name: string;
  vip: boolean;
  changed: string;
}
