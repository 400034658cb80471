// Loaded before a test file (`node --import`): its worlds open on the deployed stack instead of a local process.
import { Product } from '../harness/product.mjs';
import { DeployedProduct } from './product.mjs';

Product.start = () => DeployedProduct.find();
