// What the shop and the warehouse send.

export interface Order {
  number: string;
  currency: string;
  customer: { name: string; email: string; address: Address };
  lines: Line[];
  note?: string;
}

export interface Address {
  street: string;
  city: string;
  zip: string;
  country: string;
}

export interface Line {
  sku: string;
  name?: string;
  quantity: number;
  price: number;
}

export interface Movement {
  article: string;
  quantity: number; // negative: goods left the warehouse
  warehouse?: string;
  reason?: string;
}
